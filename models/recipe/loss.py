"""Cross-entropy over a large vocabulary without ever holding all logits."""

from __future__ import annotations

import torch
from torch import Tensor

IGNORE = -100


class _Chunked(torch.autograd.Function):
    """Gradients are made chunk by chunk in the forward pass, so logits [chunk, V] live once and are never recomputed."""

    @staticmethod
    def forward(ctx, hidden: Tensor, weight: Tensor, targets: Tensor, scale: Tensor, chunk: int) -> Tensor:
        low = torch.bfloat16 if _low(hidden) else torch.float32
        h, w = hidden.to(low), weight.to(low)
        # Accumulated in f32: the sum of many bf16 chunks would lose the small ones.
        # A frozen weight (memories, low-rank stages) needs none, a third of the work.
        wanted = ctx.needs_input_grad[1]
        grad_w = torch.zeros(weight.shape, dtype=torch.float32, device=weight.device) if wanted else None
        grad_h = torch.empty(h.shape, dtype=low, device=h.device)
        losses = torch.empty(h.shape[0], dtype=torch.float32, device=h.device)
        for start in range(0, h.shape[0], chunk):
            part = slice(start, start + chunk)
            logits = (h[part] @ w.t()).float()
            target = targets[part]
            known = target != IGNORE
            safe = target.clamp(min=0)[:, None]
            top = logits.amax(1, keepdim=True)
            logits.sub_(top)
            picked = logits.gather(1, safe)
            logits.exp_()
            total = logits.sum(1, keepdim=True)
            losses[part] = torch.where(known, (total.log() - picked)[:, 0], torch.zeros((), device=h.device))
            share = torch.where(known, scale[part], torch.zeros((), device=h.device))[:, None]
            logits.mul_(share / total)
            logits.scatter_add_(1, safe, -share)
            grad = logits.to(low)
            grad_h[part] = grad @ w
            if wanted:
                grad_w += (grad.t() @ h[part]).float()
        ctx.save_for_backward(grad_h, grad_w)
        ctx.dtypes = hidden.dtype, weight.dtype
        ctx.mark_non_differentiable(losses)
        return (losses * scale).sum(), losses

    @staticmethod
    def backward(ctx, upstream: Tensor, _losses: Tensor):
        grad_h, grad_w = ctx.saved_tensors
        w = None if grad_w is None else (grad_w * upstream).to(ctx.dtypes[1])
        return (grad_h * upstream).to(ctx.dtypes[0]), w, None, None, None


def _low(x: Tensor) -> bool:
    if x.dtype == torch.bfloat16:
        return True
    try:
        return torch.is_autocast_enabled(x.device.type)
    except TypeError:  # PyTorch 1.13 asks by another name
        return torch.is_autocast_enabled() if x.is_cuda else torch.is_autocast_cpu_enabled()


def cross_entropy(hidden: Tensor, weight: Tensor, targets: Tensor, weights: Tensor | None = None, chunk: int = 512):
    """Mean loss in nats over targets != IGNORE (weighted if `weights` [B, T] is given), and each target's own loss [B, T].

    hidden [B, T, C], weight [V, C] (the tied embeddings), targets [B, T].
    """
    flat = targets.reshape(-1)
    scale = (flat != IGNORE).float() if weights is None else weights.reshape(-1).float() * (flat != IGNORE)
    scale = scale / scale.sum().clamp(min=1.0)
    loss, each = _Chunked.apply(hidden.reshape(-1, hidden.shape[-1]), weight, flat, scale, chunk)
    return loss, each.view(targets.shape)
