"""How much of a text can be read back from its memory rows: the text itself, random keys, needles."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recipe.eval.intervals import mean_interval
from recipe.machine import autocast
from recipe.model.loss import IGNORE
from recipe.model.memory_slots import MemoryModel, Segment
from recipe.tasks.chains import chain
from recipe.tasks.keys import KeyMaker
from recipe.tasks.needles import NeedleMaker
from recipe.tokens.store import Tokens


@torch.no_grad()
def repeat_accuracy(model: MemoryModel, tokens: Tokens, ratio: int, length: int, count: int, where) -> float:
    """Share of a segment's tokens that are the first choice given its memories and the tokens before."""
    ids = chain(tokens, np.random.default_rng(9), count, 1, length, False).ids[:, 0].to(where)
    with autocast(where):
        hidden = model.decode(ids[:, :-1], model.encode(Segment(ids), ratio), model.sinks(count, where), repeat=True)
        return float((model.base.logits(hidden).argmax(-1) == ids).float().mean())


# Values asked for: kind (memory_data.KINDS) and tokens. Names as they stand in the held-out text have one to four.
KEYS = {
    "number_3": ("number", 3),
    "number_5": ("number", 5),
    "identifier": ("identifier", 0),
    "pieces_1": ("pieces", 1),
    "pieces_2": ("pieces", 2),
    "mixed_6": ("mixed", 6),
}


@torch.no_grad()
def copy_accuracy(
    model: MemoryModel, tokens: Tokens, keys: KeyMaker, ratio: int, length: int, count: int, where, segments: int = 2
) -> dict:
    """By kind of key, the share (95% interval) of random values whose every token is the first choice, and the share of tokens.

    The value stands once in `segments` segments of text and only their memories are there; ratio 1: their raw rows.
    """
    report = {}
    for name, (kind, size) in KEYS.items():
        right, tokens_right, rng = [], [], np.random.default_rng(10)
        for _ in range(max(1, count // 8)):
            held, question, targets = (
                x.to(where) for x in keys.lesson(tokens, rng, 8, segments, length, 1, size, kind)
            )
            asked, found = answered(model, held, question, targets, ratio, where)
            right += found.all(1).tolist()
            tokens_right += found[asked].tolist()
        report[name] = {"exact": mean_interval(np.array(right, float)), "tokens": float(np.mean(tokens_right))}
    return report


@torch.no_grad()
def needle_accuracy(
    model: MemoryModel, tokens: Tokens, keys: KeyMaker, ratio: int, length: int, count: int, where, segments: int
) -> dict:
    """The share (95% interval) of questions about one of two look-alike lines a segment whose whole answer is the first choice (needles.py); ratio 1: raw rows."""
    right, rng, needles = [], np.random.default_rng(11), NeedleMaker(keys)
    for _ in range(max(1, count // 8)):
        held, question, targets = (
            x.to(where) for x in needles.lesson(tokens, rng, 8, segments, length, 2 * segments, several=0.0)
        )
        right += answered(model, held, question, targets, ratio, where)[1].all(1).tolist()
    return {"exact": mean_interval(np.array(right, float)), "questions": len(right)}


@torch.no_grad()
def answered(
    model: MemoryModel, held: Tensor, question: Tensor, targets: Tensor, ratio: int, where
) -> tuple[Tensor, Tensor]:
    """Which tokens are asked, and whether each is the first choice or not asked, bool [B, q] both, behind memories of segments [B, count, n] or (ratio 1) their raw rows."""
    with autocast(where):
        sinks = model.sinks(len(question), where)
        if ratio > 1:
            hidden = model.decode(question, model.encode_all(held, ratio), sinks)
        else:
            hidden = model.decode(torch.cat([held.flatten(1), question], 1), None, sinks)[:, -question.shape[1] :]
        choice = model.base.logits(hidden).argmax(-1)
    asked = targets != IGNORE
    return asked, (choice == targets) | ~asked
