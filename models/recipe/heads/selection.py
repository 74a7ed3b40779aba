"""The selection head: a metric in which a question's mean query is compared with each text's mean keys.

Queries and keys are the model's own, of all layers and heads, not rotated. MoBA scores its blocks by mean keys
(Lu et al. 2025, section 2.2). The matrices are the head's own, as those of the indexer in DeepSeek-V3.2.
"""

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
def _mean_inputs(base: Llama, rows: list[list[int]], where, rows_at_once: int = 6144) -> list[Tensor]:
    """Per layer the mean of the attention's input over each text's own rows, [n, C] in f32. Each text is read alone."""
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
def _projected(base: Llama, rows: list[list[int]], where, projection: str) -> Tensor:
    """Mean projections of all layers side by side. A projection is linear: that of the mean is the mean of them all."""
    weights = [getattr(layer.self_attn, projection).weight.float().cpu() for layer in base.model.layers]
    return torch.cat([x @ weight.t() for x, weight in zip(_mean_inputs(base, rows, where), weights)], 1)


def mean_queries(base: Llama, questions: list[list[int]], where) -> Tensor:
    """[n, layers * heads * head_dim]"""
    return _projected(base, questions, where, "q_proj")


def mean_keys(base: Llama, texts: list[list[int]], where) -> Tensor:
    """[n, layers * key heads * head_dim]"""
    return _projected(base, texts, where, "k_proj")


class SelectionHead(nn.Module):
    """Queries and keys -> vectors of `width` numbers and length 1.

    Its inputs are scaled to mean 0 and deviation 1 over the pairs that it is made with.
    """

    def __init__(self, queries: Tensor, keys: Tensor, width: int):
        super().__init__()
        self.q, self.k = nn.Linear(queries.shape[1], width), nn.Linear(keys.shape[1], width)
        for name, side, some in (("q", self.q, queries), ("k", self.k, keys)):
            nn.init.normal_(side.weight, std=some.shape[1] ** -0.5)
            nn.init.zeros_(side.bias)
            self.register_buffer(f"{name}_mean", some.mean(0))
            self.register_buffer(f"{name}_deviation", some.std(0) + 1e-3)
        self.temperature = nn.Parameter(torch.tensor(2.3))

    def questions(self, queries: Tensor) -> Tensor:
        return F.normalize(self.q((queries - self.q_mean) / self.q_deviation), dim=-1)

    def texts(self, keys: Tensor) -> Tensor:
        return F.normalize(self.k((keys - self.k_mean) / self.k_deviation), dim=-1)

    @torch.no_grad()
    def export(self) -> dict:
        """The part for the exported folder. Mean and deviation are folded into matrix and bias."""
        tensors = {}
        for name, side in (("q", self.q), ("k", self.k)):
            weight = side.weight / getattr(self, f"{name}_deviation")
            tensors[f"select.{name}_proj.weight"] = weight.cpu()
            tensors[f"select.{name}_proj.bias"] = (side.bias - weight @ getattr(self, f"{name}_mean")).cpu()
        return {"file": FILE, "tensors": tensors, "config": {"selection": {"file": FILE, "width": self.q.out_features}}}
