"""Means and perplexities with 95% bootstrap intervals."""

from __future__ import annotations

import numpy as np


def interval(sums: np.ndarray, counts: np.ndarray, against: np.ndarray | None = None, seed: int = 0) -> list[float]:
    """Perplexity (or its ratio to `against`) and its 95% interval over documents. sums: nats per document."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(sums), (1000, len(sums)))
    total = sums - (against if against is not None else 0)
    drawn = np.exp(total[picks].sum(1) / counts[picks].sum(1))
    return [float(np.exp(total.sum() / counts.sum())), *np.quantile(drawn, [0.025, 0.975]).tolist()]


def mean_interval(values: np.ndarray, seed: int = 0) -> list[float]:
    picks = np.random.default_rng(seed).integers(0, len(values), (1000, len(values)))
    return [float(values.mean()), *np.quantile(values[picks].mean(1), [0.025, 0.975]).tolist()]
