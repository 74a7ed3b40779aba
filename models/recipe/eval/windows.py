"""Perplexity of the same tokens with contexts of growing length."""

from __future__ import annotations

import numpy as np
import torch

from recipe.config import SINK_IDS
from recipe.eval.intervals import interval
from recipe.machine import autocast
from recipe.model.loss import cross_entropy
from recipe.model.transformer import Llama
from recipe.tasks.text import slices
from recipe.tokens.store import Tokens


@torch.no_grad()
def tail_losses(model: Llama, ids: torch.Tensor, targets: torch.Tensor, context: int, tail: int, where) -> float:
    """Sum of nats of the last `tail` targets of one row, seen behind the sinks and as much of the text as fits `context`."""
    n = len(SINK_IDS)
    ids = torch.cat([ids[:, :n], ids[:, n:][:, -(context - n) :]], 1).to(where)
    with autocast(where):
        hidden = model(ids, torch.arange(ids.shape[1], device=where)[None], None)[:, -tail:]
        _, each = cross_entropy(hidden, model.model.embed_tokens.weight, targets[:, -tail:].to(where))
    return float(each.sum())


def evaluate_windows(
    models: dict[str, Llama], tokens: Tokens, first: int, window: int, count: int, where, tail: int = 0
) -> dict:
    """Perplexity of the same tokens with contexts of 1x the first window up to `window`, for each model; 95% intervals."""
    tail = tail or first // 2
    rng, rows = np.random.default_rng(13), []
    for _ in range(count):
        rows.append(slices(tokens, rng, 1, window))
    contexts = [c for c in (first, first * 2, first * 4, first * 8) if c <= window]
    report: dict = {"tail": tail, "rows": count}
    for name, model in models.items():
        model.eval().to(where)
        sums = {
            c: np.array([tail_losses(model, ids, targets, c, tail, where) for ids, targets in rows]) for c in contexts
        }
        n = np.full(count, tail)
        report[name] = {str(c): interval(v, n) for c, v in sums.items()}
        report[name]["longest_over_first"] = interval(sums[contexts[-1]], n, sums[contexts[0]])
    return report
