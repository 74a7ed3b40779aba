"""Held-out figures of the tasks, each beside its baseline."""

from __future__ import annotations

import numpy as np
import torch

from recipe.config import ID
from recipe.eval.bleu import bleu
from recipe.eval.bm25 import BM25
from recipe.eval.intervals import mean_interval
from recipe.eval.ranks import fused, reciprocal_ranks
from recipe.heads.vectors import Heads, vectors
from recipe.machine import autocast
from recipe.model.memory_slots import MemoryModel, Segment
from recipe.tasks.examples import Maker
from recipe.tasks.functions import Function
from recipe.tokens.words import words


@torch.no_grad()
def table(model: MemoryModel, heads: Heads, rows: list[list[int]], where, batch: int = 64) -> np.ndarray:
    """Vectors of many texts, in order; texts of like length go together."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found = np.zeros((len(rows), heads.vector.out_features), np.float32)
    for start in range(0, len(order), batch):
        some = order[start : start + batch]
        with autocast(where):
            found[some] = vectors(model, heads, [rows[i] for i in some], where).float().cpu().numpy()
    return found


def search(model: MemoryModel, heads: Heads, maker: Maker, pool: list[Function], questions: int, where) -> dict:
    asked = pool[:questions]
    learned = (
        table(model, heads, [maker.question(f) for f in asked], where)
        @ table(model, heads, [maker.code(f, hide=True) for f in pool], where).T
    )
    index = BM25([f.hidden(f.code) for f in pool])
    lexical = np.stack([index.scores(f.hidden(f.summary)) for f in asked])
    right = np.arange(len(asked))
    return {
        "pool": len(pool),
        "questions": len(asked),
        **{
            name: mean_interval(reciprocal_ranks(scores, right))
            for name, scores in (("mrr", learned), ("mrr_bm25", lexical), ("mrr_fused", fused(learned, lexical)))
        },
    }


@torch.no_grad()
def generate(model: MemoryModel, prompt: list[int], where, memories=None, limit: int = 40) -> list[int]:
    """Greedy, up to <|end|>. The prompt is read again at every token: short rows, and no second code path to trust."""
    found: list[int] = []
    sinks = model.sinks(1, where)
    for _ in range(limit):
        ids = torch.tensor([prompt + found], device=where)
        with autocast(where):
            hidden = model.decode(ids, memories, sinks)[:, -1]
            token = int(model.base.logits(hidden)[0].argmax())
        if token in (ID["end"], ID["eos"]):
            break
        found.append(token)
    return found


def gists(
    model: MemoryModel,
    heads: Heads,
    maker: Maker,
    pool: list[Function],
    known: list[Function],
    count: int,
    ratio: int,
    where,
) -> dict:
    """BLEU of gists from rows and from memories, beside the comment of the nearest training function."""
    asked = pool[:count]
    scores = {"rows": [], f"memories_{ratio}": [], "nearest": []}
    near = (
        table(model, heads, [maker.code(f, hide=False) for f in asked], where)
        @ table(model, heads, [maker.code(f, hide=False) for f in known], where).T
    ).argmax(1)
    for f, nearest in zip(asked, near):
        reference = words(f.summary)
        code, _ = maker.gist(f)
        memories = model.encode(Segment(torch.tensor([code], device=where)), ratio)
        scores["rows"].append(bleu(words(maker.encode.decode(generate(model, [*code, ID["gist"]], where))), reference))
        scores[f"memories_{ratio}"].append(
            bleu(words(maker.encode.decode(generate(model, [ID["gist"]], where, memories))), reference)
        )
        scores["nearest"].append(bleu(words(known[nearest].summary), reference))
    return {k: mean_interval(np.array(v)) for k, v in scores.items()}


def evaluate_tasks(
    model: MemoryModel,
    heads: Heads,
    maker: Maker,
    pool: list[Function],
    known: list[Function],
    size: int,
    questions: int,
    ratios: list[int],
    where,
) -> dict:
    model.eval()
    heads.eval()
    pool = [pool[i] for i in np.random.default_rng(23).permutation(len(pool))[:size]]
    known = [known[i] for i in np.random.default_rng(24).permutation(len(known))[:size]]
    return {
        "search": search(model, heads, maker, pool, questions, where),
        "gist": gists(model, heads, maker, pool, known, max(4, questions // 10), min(ratios), where),
    }
