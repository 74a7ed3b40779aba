"""Ranks of the right answer in a table of scores [questions, pool]."""

from __future__ import annotations

import numpy as np


def reciprocal_ranks(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """1 / rank of the answers right [questions]. Answers with an equal score count as ranked before: ties earn nothing."""
    own = scores[np.arange(len(right)), right][:, None]
    return 1.0 / ((scores >= own).sum(1))


def fused(a: np.ndarray, b: np.ndarray, k: int = 60) -> np.ndarray:
    """Reciprocal rank fusion of two tables."""

    def ranks(scores: np.ndarray) -> np.ndarray:
        order = np.argsort(-scores, axis=1, kind="stable")
        place = np.empty_like(order)
        np.put_along_axis(place, order, np.arange(scores.shape[1])[None].repeat(len(scores), 0), 1)
        return place

    return 1 / (k + ranks(a)) + 1 / (k + ranks(b))
