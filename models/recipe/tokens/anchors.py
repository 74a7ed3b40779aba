"""The anchor rule: where anchors go in a text."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from recipe.config import ANCHOR_MAX, ANCHOR_MIN


def anchor_cuts(ids: np.ndarray, newline: np.ndarray) -> list[int]:
    """Offsets of ids [n] before which an anchor goes. newline bool [V]: the token's text holds a line break.

    The rest after the last anchor is an open segment: it gets an anchor once it is long enough.
    """
    ends = (np.flatnonzero(newline[ids]) + 1).tolist()
    cuts, start, n = [], 0, len(ids)
    while start + ANCHOR_MIN < n:
        i = bisect_left(ends, start + ANCHOR_MIN)
        cut = min(ends[i] if i < len(ends) else n + 1, start + ANCHOR_MAX)
        if cut >= n:
            break
        cuts.append(cut)
        start = cut
    return cuts
