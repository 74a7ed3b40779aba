"""The selection head: a metric between mean queries and mean keys of the model."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recipe.heads.vectors import padded
from recipe.machine import autocast
from recipe.model.memory_slots import SINKS
from recipe.model.transformer import Llama

FILE = "selection.safetensors"


@torch.no_grad()
def means(base: Llama, rows: list[list[int]], where, rows_at_once: int = 6144) -> list[Tensor]:
    """For each layer the mean of the attention's input over each text's own rows (behind the sinks, alone): [n, C] in f32."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found = [torch.zeros(len(rows), base.config.hidden_size) for _ in base.model.layers]
    while order:
        width = max(1, rows_at_once // (SINKS + len(rows[order[-1]])))
        some, order = order[-width:], order[:-width]
        ids, lengths = padded([rows[i] for i in some], where)
        positions = torch.arange(ids.shape[1], device=where).expand(ids.shape)
        with autocast(where):
            _, seen = base(ids, positions, None, inputs=True)
        own = ((positions >= SINKS) & (positions < lengths[:, None])).float()[:, :, None]
        for layer, h in zip(found, seen):
            layer[some] = ((h.float() * own).sum(1) / own.sum(1)).cpu()
    return found


@torch.no_grad()
def mean_queries(base: Llama, asked: list[list[int]], where) -> Tensor:
    """[n, layers * heads * head_dim]: projections are linear, so that of the mean is the mean."""
    inputs = means(base, asked, where)
    return torch.cat(
        [x @ layer.self_attn.q_proj.weight.float().cpu().t() for x, layer in zip(inputs, base.model.layers)], 1
    )


@torch.no_grad()
def mean_keys(base: Llama, texts: list[list[int]], where) -> Tensor:
    """[n, layers * key heads * head_dim]"""
    inputs = means(base, texts, where)
    return torch.cat(
        [x @ layer.self_attn.k_proj.weight.float().cpu().t() for x, layer in zip(inputs, base.model.layers)], 1
    )


class Chooser(nn.Module):
    """Both sides to `width` numbers of length 1, from numbers of mean 0 and deviation 1 over the pairs it was begun with."""

    def __init__(self, queries: Tensor, keys: Tensor, width: int):
        super().__init__()
        self.q, self.k = nn.Linear(queries.shape[1], width), nn.Linear(keys.shape[1], width)
        for name, side, some in (("q", self.q, queries), ("k", self.k, keys)):
            nn.init.normal_(side.weight, std=some.shape[1] ** -0.5)
            nn.init.zeros_(side.bias)
            self.register_buffer(f"{name}_mean", some.mean(0))
            self.register_buffer(f"{name}_deviation", some.std(0) + 1e-3)
        self.temperature = nn.Parameter(torch.tensor(2.3))

    def asked(self, queries: Tensor) -> Tensor:
        return F.normalize(self.q((queries - self.q_mean) / self.q_deviation), dim=-1)

    def texts(self, keys: Tensor) -> Tensor:
        return F.normalize(self.k((keys - self.k_mean) / self.k_deviation), dim=-1)

    @torch.no_grad()
    def export(self) -> dict:
        """For export.py: mean and deviation are folded into the matrices, so that the engine multiplies and adds."""
        tensors = {}
        for name, side in (("q", self.q), ("k", self.k)):
            weight = side.weight / getattr(self, f"{name}_deviation")
            tensors[f"select.{name}_proj.weight"] = weight.cpu()
            tensors[f"select.{name}_proj.bias"] = (side.bias - weight @ getattr(self, f"{name}_mean")).cpu()
        return {"file": FILE, "tensors": tensors, "config": {"selection": {"file": FILE, "width": self.q.out_features}}}
