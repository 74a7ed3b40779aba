"""Perplexity of the same tokens with contexts of growing length."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recipe.config import SINK_IDS
from recipe.eval.intervals import interval
from recipe.machine import autocast
from recipe.model.loss import cross_entropy
from recipe.model.transformer import Llama
from recipe.tasks.chains import slices
from recipe.tokens.store import Tokens


@torch.no_grad()
def tail_loss(model: Llama, ids: Tensor, targets: Tensor, context: int, tail: int, where) -> float:
    """Sum of nats of a row's last `tail` targets, behind the sinks and as much of the text as fits `context` rows."""
    n = len(SINK_IDS)
    ids = torch.cat([ids[:, :n], ids[:, n:][:, -(context - n) :]], 1).to(where)
    with autocast(where):
        hidden = model(ids, torch.arange(ids.shape[1], device=where)[None], None)[:, -tail:]
        _, each = cross_entropy(hidden, model.model.embed_tokens.weight, targets[:, -tail:].to(where))
    return float(each.sum())


def evaluate_windows(models: dict[str, Llama], tokens: Tokens, first: int, window: int, count: int, where) -> dict:
    """Perplexity with contexts of 1, 2, 4, 8 first windows, up to `window` rows, for each model.

    Measured are the last tokens of `count` rows, half a first window of each. Intervals are over rows.
    """
    tail, rng = first // 2, np.random.default_rng(13)
    rows = [slices(tokens, rng, 1, window) for _ in range(count)]
    contexts = [context for context in (first, first * 2, first * 4, first * 8) if context <= window]
    n, report = np.full(count, tail), {"tail": tail, "rows": count}
    for name, model in models.items():
        model.eval().to(where)
        sums = {c: np.array([tail_loss(model, *row, c, tail, where) for row in rows]) for c in contexts}
        report[name] = {str(c): interval(values, n) for c, values in sums.items()}
        report[name]["longest_over_first"] = interval(sums[contexts[-1]], n, sums[contexts[0]])
    return report
