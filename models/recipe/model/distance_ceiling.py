"""LM-Infinite's distance ceiling over any mask: for measuring texts longer than the trained window.

A key that stands further back than the ceiling is seen at the ceiling. There the query is rotated by the ceiling and the key
not at all. The engine does the same in its Λ and anchors policies. Computed by blocks of queries, over the keys that any
query of the block sees.
"""

from __future__ import annotations

import torch
from torch import Tensor

from recipe.model.masks import Layout, sees
from recipe.model.rope import Rope, rotate

BLOCK = 256


def capped(rope: Rope, ceiling: int, layout: Layout | None, window: int = 0):
    """An attention function for `Llama.forward` of one sequence at positions 0, 1, ...

    layout None: every earlier row is seen.
    """

    def attend(q: Tensor, k: Tensor, v: Tensor, _mask) -> Tensor:
        heads, t, d = q.shape[1:]
        at = torch.arange(t, device=q.device)
        cos, sin = rope(at[None])

        def plain(x: Tensor) -> Tensor:
            return rotate(x.float(), cos, -sin) / rope.scale**2

        far_cos, far_sin = rope(torch.tensor([[ceiling]], device=q.device))
        q_far = rotate(plain(q), far_cos, far_sin).to(q.dtype)
        k_far = (plain(k) * rope.scale).to(k.dtype)
        out = torch.empty_like(q)
        one = None if layout is None else Layout(*(part[0] for part in layout))
        for a in range(0, t, BLOCK):
            b = min(a + BLOCK, t)
            seen = (
                (at[a:b, None] >= at[None, :b])
                if one is None
                else sees(Layout(*(p[a:b] for p in one)), Layout(*(p[:b] for p in one)), at[a:b], at[:b], window)
            )
            some = seen.any(0).nonzero()[:, 0]
            near = at[a:b, None] - some[None] < ceiling
            for h in range(heads):
                own = h * k.shape[1] // heads
                scores = torch.where(
                    near, q[0, h, a:b] @ k[0, own, some].t(), q_far[0, h, a:b] @ k_far[0, own, some].t()
                )
                scores = (scores.float() * d**-0.5).masked_fill(~seen[:, some], -torch.inf)
                out[0, h, a:b] = scores.softmax(-1).to(v.dtype) @ v[0, own, some]
        return out

    return attend
