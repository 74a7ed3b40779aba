"""Ranks of the right answer in a table of scores."""

from __future__ import annotations

import numpy as np


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
