"""Attention under AnSAN beside a window at the cost of the window: each block of queries meets the rows near it, the sinks and the anchors.

`masks.visible` says who sees whom; here only the products that can count are made. Sequences of thousands of rows then cost
little more a token than short ones, which is what makes training them on a CPU worth while.
"""

from __future__ import annotations

import torch
from torch import Tensor

from config import ANCHOR_MAX
from masks import ANCHOR, Layout, visible

BLOCK = 128
NEAR = 256  # rows before a block that its queries may see one by one: a window or an open segment, whichever is longer


def banded(layout: Layout, window: int):
    """-> attend(q, k, v, mask) for `Llama.forward`, of rows laid out by `layout` (int32 [B, T], T a multiple of BLOCK), one key head."""
    b, t = layout.doc.shape
    if t % BLOCK or not window <= NEAR or ANCHOR_MAX + 1 > NEAR:
        raise ValueError(f"{t} rows beside a window of {window} do not fit blocks of {BLOCK} that see {NEAR} rows")
    n, width = t // BLOCK, NEAR + BLOCK
    mask = visible(layout, window)[:, 0]
    lasting = (layout.role & ANCHOR > 0) | (layout.doc == 0)
    count = int(lasting.sum(1).max())
    # Lasting rows of each sequence in order, the first row of the sequence where there are fewer (hidden there).
    order = torch.where(lasting, torch.arange(t, 0, -1, device=mask.device), 0).topk(count, 1)
    far, real = t - order.values.clamp(min=1), order.values > 0
    before = torch.arange(n, device=mask.device)[:, None] * BLOCK - NEAR
    seen_far = mask.gather(2, far[:, None].expand(b, t, count)).view(b, n, BLOCK, count)
    seen_far = seen_far & (real[:, None] & (far[:, None] < before))[:, :, None]
    padded = torch.cat([mask.new_zeros(b, t, NEAR), mask], 2)
    seen_near = torch.stack([padded[:, i * BLOCK:(i + 1) * BLOCK, i * BLOCK:i * BLOCK + width] for i in range(n)], 1)
    # [B, n, rows of a block, 1, far + near] -> what is added to the scores
    hidden = (torch.cat([seen_far, seen_near], 3).to(torch.float32) - 1)[:, :, :, None] * 1e4

    def attend(q: Tensor, k: Tensor, v: Tensor, _mask) -> Tensor:
        heads, d = q.shape[1], q.shape[3]
        rows = (q * d ** -0.5).transpose(1, 2).reshape(b, n, BLOCK * heads, d)

        def near(x: Tensor) -> Tensor:
            return torch.cat([x.new_zeros(b, NEAR, d), x], 1).unfold(1, width, BLOCK).transpose(2, 3)  # [B, n, width, D]

        at = far[:, :, None].expand(b, count, d)
        (k_far, v_far), (k_near, v_near) = ((x[:, 0].gather(1, at) for x in (k, v)), (near(x[:, 0]) for x in (k, v)))
        scores = torch.cat([torch.matmul(rows, k_far[:, None].transpose(2, 3)), torch.matmul(rows, k_near.transpose(2, 3))], 3)
        shares = (scores.view(b, n, BLOCK, heads, count + width) + hidden.to(scores.dtype)).softmax(-1).view(b, n, BLOCK * heads, -1)
        out = torch.matmul(shares[..., :count], v_far[:, None]) + torch.matmul(shares[..., count:], v_near)
        return out.view(b, t, heads, d).transpose(1, 2)

    return attend
