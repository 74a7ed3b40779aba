"""The vector head: the vector by which a text is searched.

The vector of a text is W times the mean of its last hidden states, plus the mean of its tokens' own vectors where there are
any, brought to length 1. The text is read alone behind the sinks, and the sinks' rows are left out. A question is
<|query|> and its words; code is itself. Questions and code share everything else.
"""

from __future__ import annotations

import math
from typing import Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recipe.config import ID, SINK_IDS
from recipe.model.memory_slots import SINKS, MemoryModel

FILE = "heads.safetensors"


class VectorHead(nn.Module):
    def __init__(self, hidden: int, width: int = 256, token_vectors: Optional[Tensor] = None):
        """token_vectors [V, width] stay as they are. The matrix then starts at zero and learns what they lack."""
        super().__init__()
        self.vector = nn.Linear(hidden, width, bias=False)
        self.tokens = None if token_vectors is None else nn.Embedding.from_pretrained(token_vectors, freeze=True)
        self.temperature = nn.Parameter(torch.tensor(math.log(20.0)))
        if self.tokens is None:
            nn.init.orthogonal_(self.vector.weight)
        else:
            nn.init.zeros_(self.vector.weight)

    def export(self) -> dict:
        """The part for the exported folder."""
        tensors = {"vector.weight": self.vector.weight.detach().cpu()}
        if self.tokens is not None:
            tensors["vector.tokens"] = self.tokens.weight.detach().cpu()
        pooling = "mean of the text's rows without the sinks"
        config = {"file": FILE, "vector_width": self.vector.out_features, "pooling": pooling}
        return {"file": FILE, "tensors": tensors, "config": {"heads": config}}


def padded(rows: list[list[int]], where) -> tuple[Tensor, Tensor]:
    """Token ids [B, T] behind the sinks, padded at the end, and lengths [B] with the sinks."""
    size = max(len(row) for row in rows) + SINKS
    ids = torch.full((len(rows), size), ID["pad"], dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : SINKS + len(row)] = torch.tensor([*SINK_IDS, *row])
    return ids.to(where), torch.tensor([SINKS + len(row) for row in rows], device=where)


def hidden(model: MemoryModel, ids: Tensor) -> Tensor:
    """Final hidden states [B, T, C] under the causal mask. Padding comes after everything that is read."""
    return model.base(ids, torch.arange(ids.shape[1], device=ids.device).expand(ids.shape), None)


def vectors(model: MemoryModel | None, head: VectorHead, rows: list[list[int]], where) -> Tensor:
    """Vectors [B, width] of length 1. No model is needed where the matrix is zero."""
    ids, lengths = padded(rows, where)
    at = torch.arange(ids.shape[1], device=where)[None]
    own = ((at >= SINKS) & (at < lengths[:, None])).float()[:, :, None]
    found = torch.zeros(len(rows), head.vector.out_features, device=where)
    if head.tokens is None or head.training or head.vector.weight.any():
        h = hidden(model, ids).float()
        found = head.vector((h * own).sum(1) / own.sum(1)).float()
    if head.tokens is not None:
        if head.training:
            # The table knows the training functions too well. Half of its tokens leave the matrix something to learn.
            own = own * (torch.rand(own.shape, device=where) < 0.5)
        found = found + (head.tokens(ids) * own).sum(1) / own.sum(1).clamp(min=1.0)
    return F.normalize(found, dim=-1)


def contrast(a: Tensor, b: Tensor, temperature: Tensor, same: Tensor) -> Tensor:
    """InfoNCE in both directions. same bool [B, B]: pairs that match; those off the diagonal are no negatives."""
    scores = a @ b.t() * temperature.exp().clamp(max=100.0)
    scores = scores.masked_fill(same & ~torch.eye(len(a), dtype=torch.bool, device=a.device), -1e4)
    labels = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(scores, labels) + F.cross_entropy(scores.t(), labels)) / 2
