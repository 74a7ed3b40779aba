"""Cross-entropy over a large vocabulary that never holds all logits."""

from __future__ import annotations

import torch
from torch import Tensor

IGNORE = -100


class _Chunked(torch.autograd.Function):
    """The forward pass makes the gradients chunk by chunk, so logits [chunk, V] live once and are never recomputed.

    Logits and probabilities of all chunks share two buffers: fresh pages cost more than the products do. In half precision
    a trained loss is exact to about .004 nats a token. Without a gradient (evaluation) the softmax is in f32.
    """

    @staticmethod
    def forward(
        ctx,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        scale: Tensor,
        chunk: int,
        teacher: Tensor | None = None,
        trust: float = 0.0,
    ) -> Tensor:
        low = torch.bfloat16 if _low(hidden) else torch.float32
        h, w = hidden.to(low), weight.to(low)
        wanted_h, wanted_w = ctx.needs_input_grad[:2]
        # The sum is in f32: many bf16 chunks would lose the small ones. A frozen weight needs none, a third of the work.
        grad_w = torch.zeros(weight.shape, dtype=torch.float32, device=weight.device) if wanted_w else None
        grad_h = torch.empty(h.shape, dtype=low, device=h.device) if wanted_h else None
        losses = torch.empty(h.shape[0], dtype=torch.float32, device=h.device)
        rows = min(chunk, h.shape[0])
        logit_buffer, share_buffer = (torch.empty(rows, w.shape[0], dtype=low, device=h.device) for _ in range(2))
        for start in range(0, h.shape[0], chunk):
            part = slice(start, start + chunk)
            n = h[part].shape[0]
            logits = torch.mm(h[part], w.t(), out=logit_buffer[:n])
            picked = logits.gather(1, targets[part, None]).float()[:, 0]
            if not (wanted_h or wanted_w):
                losses[part] = torch.logsumexp(logits.float(), 1) - picked
                continue
            share = torch.softmax(logits, 1, out=share_buffer[:n])
            # -log p of the target by way of the likeliest token, whose p cannot underflow.
            losses[part] = logits.amax(1).float() - picked - share.amax(1).float().log()
            each = scale[part, None].to(low)
            if teacher is not None:
                taught = torch.softmax(torch.mm(teacher[part].to(low), w.t(), out=logits), 1)
                share.sub_(taught, alpha=trust)
            # scatter_add_ would copy the whole table twice on a CPU.
            share.mul_(each).index_put_(
                (torch.arange(n, device=h.device), targets[part]), -(1 - trust) * each[:, 0], accumulate=True
            )
            if wanted_h:
                grad_h[part] = share @ w
            if wanted_w:
                grad_w += share.t() @ h[part]
        ctx.save_for_backward(grad_h, grad_w)
        ctx.dtypes = hidden.dtype, weight.dtype
        ctx.mark_non_differentiable(losses)
        return (losses * scale).sum(), losses

    @staticmethod
    def backward(ctx, upstream: Tensor, _losses: Tensor):
        grad_h, grad_w = ctx.saved_tensors
        w = None if grad_w is None else (grad_w * upstream).to(ctx.dtypes[1])
        return None if grad_h is None else (grad_h * upstream).to(ctx.dtypes[0]), w, None, None, None, None, None


def _low(x: Tensor) -> bool:
    if x.dtype == torch.bfloat16:
        return True
    try:
        return torch.is_autocast_enabled(x.device.type)
    except TypeError:  # PyTorch 1.13 asks by another name
        return torch.is_autocast_enabled() if x.is_cuda else torch.is_autocast_cpu_enabled()


def cross_entropy(
    hidden: Tensor, weight: Tensor, targets: Tensor, chunk: int = 512, teacher: Tensor | None = None, trust: float = 0.5
):
    """Mean loss in nats over targets != IGNORE, and each target's own loss [B, T].

    hidden [B, T, C], weight [V, C] (the tied embeddings), targets [B, T]. Only rows with a target meet the vocabulary.
    teacher [B, T, C] are hidden states of the same rows, without gradient. The gradient is then that of (1 - trust) times this
    loss plus trust times the cross-entropy to the teacher's predictions. The value stays the loss against the targets.
    """
    flat = targets.reshape(-1)
    asked = (flat != IGNORE).nonzero()[:, 0]
    scale = torch.full((len(asked),), 1.0 / max(1, len(asked)), device=flat.device)
    taught = None if teacher is None else teacher.reshape(-1, teacher.shape[-1])[asked]
    loss, own = _Chunked.apply(
        hidden.reshape(-1, hidden.shape[-1])[asked],
        weight,
        flat[asked],
        scale,
        chunk,
        taught,
        0.0 if teacher is None else trust,
    )
    each = torch.zeros(flat.shape, device=flat.device).index_copy(0, asked, own)
    return loss, each.view(targets.shape)
