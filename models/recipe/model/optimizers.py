"""Optimisers: Muon for the matrices inside the layers, AdamW for embeddings and norms.

At this size Muon learns more per token than AdamW (docs/decisions/recipe-optimizer.md).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def orthogonal(g: Tensor, steps: int = 5) -> Tensor:
    """g [n, r, c] -> about U V^T of each matrix, by the quintic Newton-Schulz iteration (works in bf16)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.to(torch.bfloat16) if g.is_cuda or torch.cuda.is_available() or hasattr(torch, "compile") else g.clone()
    flip = x.shape[1] > x.shape[2]
    if flip:
        x = x.transpose(1, 2)
    x = x / (x.float().flatten(1).norm(dim=1)[:, None, None].to(x.dtype) + 1e-7)
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return (x.transpose(1, 2) if flip else x).to(g.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal. An update has the RMS of AdamW's, so one learning rate serves both."""

    def __init__(self, params, lr: float, momentum: float = 0.95, weight_decay: float = 0.1):
        super().__init__(list(params), dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            by_shape: dict[tuple, list[nn.Parameter]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    by_shape.setdefault(tuple(p.shape), []).append(p)
            for shape, params in by_shape.items():
                updates = []
                for p in params:
                    state = self.state[p]
                    if "m" not in state:
                        state["m"] = torch.zeros_like(p)
                    state["m"].mul_(group["momentum"]).add_(p.grad)
                    updates.append(p.grad.add(state["m"], alpha=group["momentum"]))
                turned = orthogonal(torch.stack(updates))
                scale = 0.2 * math.sqrt(max(shape))
                for p, u in zip(params, turned):
                    p.mul_(1 - group["lr"] * group["weight_decay"]).add_(u, alpha=-group["lr"] * scale)


class Optimizer:
    """PyTorch optimisers that step together, with one peak learning rate and one gradient norm."""

    def __init__(self, parts: list[torch.optim.Optimizer], lr: float):
        self.parts, self.lr = parts, lr
        self.params = [p for part in parts for group in part.param_groups for p in group["params"]]

    @staticmethod
    def of(model: nn.Module, lr: float, kind: str = "muon", weight_decay: float = 0.1) -> "Optimizer":
        """For the trained parameters of a model. kind "muon": Muon for matrices other than embeddings, AdamW for the rest."""
        matrices, rest = [], []
        for name, p in model.named_parameters():
            if p.requires_grad:
                (matrices if p.dim() == 2 and "embed" not in name and kind == "muon" else rest).append(p)
        groups = [
            dict(params=[p for p in rest if p.dim() == 2], weight_decay=0.01 if kind == "muon" else weight_decay),
            dict(params=[p for p in rest if p.dim() != 2], weight_decay=0.0),
        ]
        try:
            adam = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95), fused=True)
        except (TypeError, RuntimeError):  # older PyTorch, or a CPU without a fused kernel
            adam = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95))
        return Optimizer([adam, *([Muon(matrices, lr, weight_decay=weight_decay)] if matrices else [])], lr)

    def step(self, factor: float, clip: float = 1.0) -> float:
        """One update at `factor` times the peak learning rate; returns the gradients' norm before clipping."""
        norm = float(torch.nn.utils.clip_grad_norm_(self.params, clip))
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = self.lr * factor
            part.step()
            part.zero_grad(set_to_none=True)
        return norm

    def state_dict(self) -> list:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list) -> None:
        for part, state in zip(self.parts, states):
            part.load_state_dict(state)
