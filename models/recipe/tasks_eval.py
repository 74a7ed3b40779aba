"""Held-out figures of the tasks, each beside its baseline."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import torch

from bm25 import BM25, words
from config import ID
from memory_model import MemoryModel, Segment
from run import autocast
from tasks_data import Function
from tasks_examples import Maker
from tasks_model import Heads, pointer_scores, vectors


def reciprocal_ranks(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """scores [questions, pool], right [questions]: 1 / rank; equal scores count as ranked before (no luck)."""
    own = scores[np.arange(len(right)), right][:, None]
    return 1.0 / ((scores >= own).sum(1))


def fused(a: np.ndarray, b: np.ndarray, k: int = 60) -> np.ndarray:
    """Reciprocal rank fusion of two score tables."""

    def ranks(x: np.ndarray) -> np.ndarray:
        order = np.argsort(-x, axis=1, kind="stable")
        place = np.empty_like(order)
        np.put_along_axis(place, order, np.arange(x.shape[1])[None].repeat(len(x), 0), 1)
        return place

    return 1 / (k + ranks(a)) + 1 / (k + ranks(b))


def mean_interval(values: np.ndarray, seed: int = 0) -> list[float]:
    picks = np.random.default_rng(seed).integers(0, len(values), (1000, len(values)))
    return [float(values.mean()), *np.quantile(values[picks].mean(1), [0.025, 0.975]).tolist()]


@torch.no_grad()
def table(model: MemoryModel, heads: Heads, rows: list[list[int]], where, batch: int = 64) -> np.ndarray:
    """Vectors of many texts, in order; texts of like length go together."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found = np.zeros((len(rows), heads.vector.out_features), np.float32)
    for start in range(0, len(order), batch):
        some = order[start:start + batch]
        with autocast(where):
            found[some] = vectors(model, heads, [rows[i] for i in some], where).float().cpu().numpy()
    return found


def search(model: MemoryModel, heads: Heads, maker: Maker, pool: list[Function], questions: int, where) -> dict:
    asked = pool[:questions]
    learned = (table(model, heads, [maker.question(f) for f in asked], where)
               @ table(model, heads, [maker.code(f, hide=True) for f in pool], where).T)
    index = BM25([f.hidden(f.code) for f in pool])
    lexical = np.stack([index.scores(f.hidden(f.summary)) for f in asked])
    right = np.arange(len(asked))
    return {"pool": len(pool), "questions": len(asked),
            **{name: mean_interval(reciprocal_ranks(scores, right)) for name, scores in
               (("mrr", learned), ("mrr_bm25", lexical), ("mrr_fused", fused(learned, lexical)))}}


def bleu(candidate: list[str], reference: list[str]) -> float:
    """Sentence BLEU-4 with add-one smoothing of orders above 1 (as CodeBERT's evaluation has it), 0..100."""
    if not candidate:
        return 0.0
    total = 0.0
    for n in range(1, 5):
        grams = [Counter(tuple(x[i:i + n]) for i in range(len(x) - n + 1)) for x in (candidate, reference)]
        hit, count = sum((grams[0] & grams[1]).values()), sum(grams[0].values())
        if n == 1 and hit == 0:
            return 0.0
        total += math.log((hit + (n > 1)) / (count + (n > 1))) if count + (n > 1) else 0.0
    return 100 * math.exp(total / 4 + min(0.0, 1 - len(reference) / len(candidate)))


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


def gists(model: MemoryModel, heads: Heads, maker: Maker, pool: list[Function], known: list[Function], count: int,
          ratio: int, where) -> dict:
    """BLEU of gists from rows and from memories, beside the comment of the nearest training function."""
    asked = pool[:count]
    scores = {"rows": [], f"memories_{ratio}": [], "nearest": []}
    near = (table(model, heads, [maker.code(f, hide=False) for f in asked], where)
            @ table(model, heads, [maker.code(f, hide=False) for f in known], where).T).argmax(1)
    for f, nearest in zip(asked, near):
        reference = words(f.summary)
        code, _ = maker.gist(f)
        memories = model.encode(Segment(torch.tensor([code], device=where)), ratio)
        scores["rows"].append(bleu(words(maker.encode.decode(generate(model, [*code, ID["gist"]], where))), reference))
        scores[f"memories_{ratio}"].append(bleu(words(maker.encode.decode(
            generate(model, [ID["gist"]], where, memories))), reference))
        scores["nearest"].append(bleu(words(known[nearest].summary), reference))
    return {k: mean_interval(np.array(v)) for k, v in scores.items()}


@torch.no_grad()
def pointing(model: MemoryModel, heads: Heads, maker: Maker, pool: list[Function], count: int, where) -> dict:
    """Top-1 of the first line where the function is shown, and how often "none" is said when it is not."""
    rng = np.random.default_rng(17)
    right, lexical, refused, size = [], [], [], 8
    for start in range(0, min(count, len(pool)), size):
        some = pool[start:start + size]
        made = maker.pointings(some, rng, none_share=0.25)
        with autocast(where):
            first, _ = pointer_scores(model, heads, made.rows, made.lines, where)
        choice = first.argmax(1).cpu().numpy()
        for i, truth in enumerate(made.first):
            if truth == 0:
                refused.append(choice[i] == 0)
                continue
            right.append(choice[i] == truth)
            ends = [-1, *made.lines[i]]
            texts = [maker.encode.decode(made.rows[i][a + 1:b + 1]) for a, b in zip(ends, ends[1:])]
            asked = made.rows[i][made.rows[i].index(ID["query"]) + 1:-1]
            lexical.append(int(BM25(texts).scores(maker.encode.decode(asked)).argmax()) + 1 == truth)
    return {"top1": mean_interval(np.array(right, float)), "top1_bm25_line": mean_interval(np.array(lexical, float)),
            "none_recall": float(np.mean(refused)) if refused else None}


def evaluate_tasks(model: MemoryModel, heads: Heads, maker: Maker, pool: list[Function], known: list[Function], size: int,
                   questions: int, ratios: list[int], where) -> dict:
    model.eval()
    heads.eval()
    pool = [pool[i] for i in np.random.default_rng(23).permutation(len(pool))[:size]]
    known = [known[i] for i in np.random.default_rng(24).permutation(len(known))[:size]]
    return {"search": search(model, heads, maker, pool, questions, where),
            "gist": gists(model, heads, maker, pool, known, max(4, questions // 10), min(ratios), where),
            "point": pointing(model, heads, maker, pool, max(8, questions // 4), where)}
