"""Scaled dot-product attention under a mask."""

from __future__ import annotations

import math
from typing import Optional

import torch
from torch import Tensor
from torch.nn import functional as F


def sdpa(q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor]) -> Tensor:
    """Attention of q [B, H, T, D] over k and v [B, K, P+T, D].

    mask: bool, true where visible, broadcastable to [B, H, T, P+T]; None is causal.
    """
    h, kv = q.shape[1], k.shape[1]
    if kv == 1 and q.device.type == "cpu" and (k.shape[2] <= 1024 if mask is None else mask.dim() == 4):
        causal = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril()[None, None]
        return one_key_head(q, k[:, 0], v[:, 0], causal if mask is None else mask)
    if kv != h:
        b, _, n, d = k.shape
        k = k[:, :, None].expand(b, kv, h // kv, n, d).reshape(b, h, n, d) if kv > 1 else k.expand(b, h, n, d)
        v = v[:, :, None].expand(b, kv, h // kv, n, d).reshape(b, h, n, d) if kv > 1 else v.expand(b, h, n, d)
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
    if mask is None:
        mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device).tril()
    scores = (q @ k.transpose(-1, -2)).float() / math.sqrt(q.shape[-1])
    return scores.masked_fill(~mask, -math.inf).softmax(-1).to(v.dtype) @ v


def one_key_head(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention over k and v [B, P+T, D] of a single key head: the query heads are rows of one matrix product.

    mask: bool [B or 1, H or 1, T, P+T]. On a CPU this is three times as fast as the fused kernel, which reads the keys once a
    head. For thousands of rows the scores are too many to be kept.
    """
    b, h, t, d = q.shape
    rows = (q * d**-0.5).transpose(1, 2).reshape(b, t * h, d)
    scores = torch.matmul(rows, k.transpose(1, 2))
    hidden = (mask.transpose(1, 2).to(scores.dtype) - 1) * 1e4
    shares = (scores.view(b, t, h, -1) + hidden).softmax(-1).view(b, t * h, -1)
    return torch.matmul(shares, v).view(b, t, h, d).transpose(1, 2)
