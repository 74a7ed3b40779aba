"""Who may see whom. One rule, of which full attention, AnSAN and segments encoded alone are cases.

Each row of a sequence carries four numbers (int32 [B, T]):
  doc    documents packed in one sequence do not see each other; 0 marks the sinks, which all see
  block  a library segment, encoded alone behind the sinks (constant: the document is one block)
  group  an anchor segment of AnLLM: the rows between two anchors and the second anchor (constant: no anchors in force)
  role   flags: ANCHOR; READER (sees all earlier blocks, as a question does); KEPT (of a segment kept whole, anchors or no)
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
    """Layout of [B, T] -> bool [B, 1, T, T], true where query row (dim 2) sees key row (dim 3). Section 3 of the design:

    an anchor's segment is closed to all later rows but for the anchor; an anchor reads its own segment and no earlier anchor.
    With a window the latest so many rows of a document and block, the query's own among them, are seen whether closed or not,
    as when the engine composes anchors with a window.
    """
    q, k = (lambda a: a[:, :, None]), (lambda a: a[:, None, :])
    t = x.doc.shape[1]
    causal = torch.ones(t, t, dtype=torch.bool, device=x.doc.device).tril()
    anchor, reader, lasting = (x.role & ANCHOR) > 0, (x.role & READER) > 0, (x.role & (ANCHOR | KEPT)) > 0
    same_block = (q(x.block) == k(x.block)) | q(reader)
    open_rows = (q(x.group) == k(x.group)) | (k(lasting) & ~q(anchor))
    if window:
        at = torch.arange(t, device=x.doc.device)
        open_rows = open_rows | ((at[:, None] - at[None]) < window)
    seen = (q(x.doc) == k(x.doc)) & same_block & open_rows
    return (causal & (seen | (k(x.doc) == 0)))[:, None]


def anchored(is_anchor: Tensor, sinks: int) -> Layout:
    """The AnSAN layout of one document behind `sinks` sink rows. is_anchor bool [B, T]."""
    anchor = is_anchor.int()
    # A group ends with its anchor, so a row's group is the number of anchors before it.
    group = anchor.cumsum(1, dtype=torch.int32) - anchor
    doc = torch.ones_like(anchor)
    doc[:, :sinks] = 0
    return Layout(doc, torch.zeros_like(anchor), group, anchor)


def rows_kept(is_anchor: Tensor) -> float:
    """Share of rows that stay in the cache once every closed segment is dropped: anchors over ordinary rows."""
    return float(is_anchor.sum()) / float((~is_anchor).sum())
