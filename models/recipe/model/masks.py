"""Which row sees which. One rule, of which full attention, AnSAN and segments read alone are cases.

Each row of a sequence carries four numbers (int32 [B, T]):

    doc    packed documents do not see each other; 0 marks the sinks, which all rows see
    block  a workspace segment, read alone behind the sinks (constant: the document is one block)
    group  an anchor segment of AnLLM: the rows between two anchors, and the second anchor (constant: no anchors in force)
    role   flags: ANCHOR; READER sees all earlier blocks, as a question does; KEPT is of a segment kept whole
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

ANCHOR, READER, KEPT = 1, 2, 4


class Layout(NamedTuple):
    doc: Tensor
    block: Tensor
    group: Tensor
    role: Tensor


def visible(x: Layout, window: int = 0) -> Tensor:
    """Layout of [B, T] -> bool [B, 1, T, T], true where the query row (dim 2) sees the key row (dim 3).

    An anchor's segment is closed to all later rows except for the anchor. An anchor reads its own segment and no earlier
    anchor. With a window the latest so many rows of a document and block, the query's own among them, are seen whether closed
    or not, as when the engine composes anchors with a window.
    """
    t = x.doc.shape[1]
    at = torch.arange(t, device=x.doc.device)[None]
    return sees(x, x, at, at, window)[:, None]


def sees(q: Layout, k: Layout, q_at: Tensor, k_at: Tensor, window: int = 0) -> Tensor:
    """The rule for queries [..., Q] and keys [..., K] at their places in the sequence -> bool [..., Q, K]."""
    anchor, reader, lasting = (q.role & ANCHOR) > 0, (q.role & READER) > 0, (k.role & (ANCHOR | KEPT)) > 0

    def pairs(what, of_q: Tensor, of_k: Tensor) -> Tensor:
        return what(of_q[..., :, None], of_k[..., None, :])

    same_block = pairs(torch.eq, q.block, k.block) | reader[..., :, None]
    open_rows = pairs(torch.eq, q.group, k.group) | pairs(torch.logical_and, ~anchor, lasting)
    distance = pairs(torch.sub, q_at, k_at)
    if window:
        open_rows = open_rows | (distance < window)
    seen = pairs(torch.eq, q.doc, k.doc) & same_block & open_rows
    return (distance >= 0) & (seen | (k.doc == 0)[..., None, :])


def anchored(is_anchor: Tensor, sinks: int) -> Layout:
    """The AnSAN layout of one document behind `sinks` sink rows. is_anchor bool [B, T]."""
    anchor = is_anchor.int()
    # A group ends with its anchor: the group of a row is the number of anchors before it.
    group = anchor.cumsum(1, dtype=torch.int32) - anchor
    doc = torch.ones_like(anchor)
    doc[:, :sinks] = 0
    return Layout(doc, torch.zeros_like(anchor), group, anchor)
