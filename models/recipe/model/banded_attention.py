"""Attention under AnSAN beside a window, at the cost of the window.

Each block of queries meets the rows near it, the sinks and the anchors only. `masks.sees` is the rule; here only the
products that can count are made. A token of a sequence of thousands of rows then costs little more than one of a short
sequence, so that a CPU can train on them.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from recipe.config import ANCHOR_MAX
from recipe.model.masks import ANCHOR, KEPT, Layout, sees

BLOCK = 128
OPEN = -(-(ANCHOR_MAX + 1) // BLOCK) * BLOCK  # rows of an open segment before a block, at most


def banded(layout: Layout, window: int):
    """An attention function for `Llama.forward`, of rows laid out by `layout` [B, T].

    T is a multiple of BLOCK. window: the latest rows that are seen whether closed or not.
    """
    b, t = layout.doc.shape
    if t % BLOCK:
        raise ValueError(f"{t} rows are not a multiple of {BLOCK}")
    # Rows before a block that its queries may see: a window or an open segment, whichever is longer.
    before_block = max(OPEN, -(-window // BLOCK) * BLOCK)
    n, width = t // BLOCK, before_block + BLOCK
    lasting = (layout.role & (ANCHOR | KEPT) > 0) | (layout.doc == 0)
    count = int(lasting.sum(1).max())
    at = torch.arange(t, device=layout.doc.device)
    # Lasting rows (anchors, sinks) of each sequence in order. Where there are fewer, its first row stands in and is hidden.
    order = torch.where(lasting, t - at, 0).topk(count, 1)
    far, real = t - order.values.clamp(min=1), order.values > 0

    def blocks(x: Tensor) -> Tensor:
        return x.view(-1, n, BLOCK)

    def beside(x: Tensor, nothing: int) -> Tensor:
        """The near rows of each block, [B, n, width]."""
        return F.pad(x, (before_block, 0), value=nothing).unfold(1, width, BLOCK)

    query, where = Layout(*(blocks(part) for part in layout)), blocks(at[None])
    # No row has the document -1: the padding before the first row is hidden.
    near_keys = Layout(*(beside(part, -1 if i == 0 else 0) for i, part in enumerate(layout)))
    seen_near = sees(query, near_keys, where, beside(at[None], 0), window)
    far_keys = Layout(*(part.gather(1, far)[:, None] for part in layout))
    seen_far = sees(query, far_keys, where, far[:, None], window)
    seen_far = seen_far & (real[:, None] & (far[:, None] < where[:, :, :1] - before_block))[:, :, None]
    # [B, n, rows of a block, 1, far + near] is added to the scores
    hidden = (torch.cat([seen_far, seen_near], 3).to(torch.float32) - 1)[:, :, :, None] * 1e4

    def of_key_head(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """The query heads [B, heads, T, D] of one key head, over its keys and values [B, T, D]."""
        heads, d = q.shape[1], q.shape[3]
        rows = (q * d**-0.5).transpose(1, 2).reshape(b, n, BLOCK * heads, d)

        def near(x: Tensor) -> Tensor:
            return F.pad(x, (0, 0, before_block, 0)).unfold(1, width, BLOCK).transpose(2, 3)  # [B, n, width, D]

        at = far[:, :, None].expand(b, count, d)
        k_far, v_far, k_near, v_near = k.gather(1, at), v.gather(1, at), near(k), near(v)
        scores = torch.cat(
            [torch.matmul(rows, k_far[:, None].transpose(2, 3)), torch.matmul(rows, k_near.transpose(2, 3))], 3
        )
        shares = (
            (scores.view(b, n, BLOCK, heads, count + width) + hidden.to(scores.dtype))
            .softmax(-1)
            .view(b, n, BLOCK * heads, -1)
        )
        out = torch.matmul(shares[..., :count], v_far[:, None]) + torch.matmul(shares[..., count:], v_near)
        return out.view(b, t, heads, d).transpose(1, 2)

    def attend(q: Tensor, k: Tensor, v: Tensor, _mask) -> Tensor:
        groups = q.chunk(k.shape[1], 1)
        return torch.cat([of_key_head(part, k[:, i], v[:, i]) for i, part in enumerate(groups)], 1)

    return attend
