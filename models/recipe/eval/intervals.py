"""Means and perplexities with 95% bootstrap intervals: [value, low, high]."""

from __future__ import annotations

import numpy as np

DRAWS = 1000


def interval(sums: np.ndarray, counts: np.ndarray, against: np.ndarray | None = None, seed: int = 0) -> list[float]:
    """Perplexity over documents, or its ratio to that of `against`. sums: nats a document; counts: tokens a document."""
    picks = np.random.default_rng(seed).integers(0, len(sums), (DRAWS, len(sums)))
    total = sums - (against if against is not None else 0)
    drawn = np.exp(total[picks].sum(1) / counts[picks].sum(1))
    return [float(np.exp(total.sum() / counts.sum())), *np.quantile(drawn, [0.025, 0.975]).tolist()]


def mean_interval(values: np.ndarray, seed: int = 0) -> list[float]:
    """The mean of values."""
    picks = np.random.default_rng(seed).integers(0, len(values), (DRAWS, len(values)))
    return [float(values.mean()), *np.quantile(values[picks].mean(1), [0.025, 0.975]).tolist()]
