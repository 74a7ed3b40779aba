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
        return grouped_heads(q, k, v, causal if mask is None else mask)
    if q.device.type == "cpu" and mask is not None and mask.dim() == 4 and k.shape[2] <= 2048:
        return grouped_heads(q, k, v, mask)
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


def grouped_heads(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention of q [B, H, T, D] over k and v [B, K, P+T, D]: the query heads of a key head are rows of one product.

    mask: bool [B or 1, H or 1, T, P+T]. On a CPU this is three times as fast as the fused kernel, which reads the keys once a
    head. For thousands of rows the scores are too many to be kept.
    """
    b, h, t, d = q.shape
    kv = k.shape[1]
    scores = torch.matmul((q * d**-0.5).reshape(b, kv, h // kv * t, d), k.transpose(2, 3))
    hidden = (mask.to(scores.dtype) - 1) * 1e4
    with torch.autocast("cpu", enabled=False):  # the softmax stays in the type of the scores
        shares = (scores.view(b, h, t, -1) + hidden).softmax(-1)
    return torch.matmul(shares.view(b, kv, h // kv * t, -1), v).view(b, h, t, d)
