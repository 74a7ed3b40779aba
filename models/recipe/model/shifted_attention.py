"""Shifted sparse attention (S2-Attn of LongLoRA), in the form that does not leak.

Groups have G rows. The first half of the heads attends causally inside groups [gG, (g+1)G), the second half inside groups
that are shifted by G/2. The paper's two-line version rolls the sequence: its last group joins the end of the text with its
beginning, and early rows see the end. Here the first and the last half-group stay groups of their own.

RoPE is applied before, with true positions. Only training uses it: inference attends to everything.
"""

from __future__ import annotations

import torch
from torch import Tensor

from recipe.model.attention import sdpa


def s2_attend(group: int):
    """An attention function for Llama.forward: q [B, H, T, D], k and v [B, K, T, D], T a multiple of `group`, mask None."""
    if group % 2:
        raise ValueError(f"group {group} has no half")

    def grouped(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
        b, h, t, d = q.shape
        n = t // size

        def fold(x: Tensor) -> Tensor:
            return x.reshape(b, x.shape[1], n, size, d).transpose(1, 2).reshape(b * n, x.shape[1], size, d)

        out = sdpa(fold(q), fold(k), fold(v), None)
        return out.reshape(b, n, h, size, d).transpose(1, 2).reshape(b, h, t, d)

    def attend(q: Tensor, k: Tensor, v: Tensor, mask) -> Tensor:
        h, t = q.shape[1], q.shape[2]
        if mask is not None or t % group or h < 2:
            raise ValueError(f"S2-Attn takes causal rows, a multiple of {group} of them, and two heads at least")
        k, v = (x.repeat_interleave(h // x.shape[1], 1) for x in (k, v))
        half, shift = h // 2, group // 2
        straight = grouped(q[:, :half], k[:, :half], v[:, :half], group)
        parts = []
        for part, size in ((slice(0, shift), shift), (slice(shift, t - shift), group), (slice(t - shift, t), shift)):
            if part.stop > part.start:
                parts.append(grouped(*(x[:, half:, part] for x in (q, k, v)), size))
        return torch.cat([straight, torch.cat(parts, 2)], 1)

    return attend
