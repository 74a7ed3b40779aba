"""Heads of the tasks stage over a MemoryModel: the vector a text is found by, and the line pointer.

Vector: mean of the last hidden states of a text's own rows (behind the sinks, alone) times a matrix, plus the mean of its tokens'
own vectors (token_vectors.py) where there are any, at length 1. A question is <|query|> and its words, code is itself: the roles
share everything else.
Pointer: rows [sinks, lines of code, <|query|>, words, <|point|>]. Line l's score is (S h_point) . (K h_l) / sqrt(C), h_l the
hidden state of the line's last row; a learned vector in place of K h_l stands for "none of them". S has two forms, for the
first and the last line. h are final, normalised hidden states.
"""

from __future__ import annotations

import math
from typing import Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recipe.config import ID, SINK_IDS
from recipe.model.memory_slots import SINKS, MemoryModel


class Heads(nn.Module):
    def __init__(self, hidden: int, width: int = 256, token_vectors: Optional[Tensor] = None):
        """token_vectors [V, width]: stay as they are; the hidden states' part then starts at nothing and learns what they lack."""
        super().__init__()
        self.vector = nn.Linear(hidden, width, bias=False)
        self.tokens = None if token_vectors is None else nn.Embedding.from_pretrained(token_vectors, freeze=True)
        self.temperature = nn.Parameter(torch.tensor(math.log(20.0)))
        if self.tokens is None:
            nn.init.orthogonal_(self.vector.weight)
        else:
            nn.init.zeros_(self.vector.weight)

    def export(self) -> dict:
        """For export.py."""
        names = {
            "vector.tokens" if k == "tokens.weight" else k: v.detach().cpu()
            for k, v in self.state_dict().items()
            if k != "temperature"
        }
        return {
            "file": "heads.safetensors",
            "tensors": names,
            "config": {
                "heads": {
                    "file": "heads.safetensors",
                    "vector_width": self.vector.out_features,
                    "pooling": "mean of the text's rows without the sinks",
                }
            },
        }


def padded(rows: list[list[int]], device) -> tuple[Tensor, Tensor]:
    """ids [B, T] behind the sinks, padded at the end; lengths [B] with the sinks."""
    size = max(len(r) for r in rows) + SINKS
    ids = torch.full((len(rows), size), ID["pad"], dtype=torch.long)
    for i, r in enumerate(rows):
        ids[i, : SINKS + len(r)] = torch.tensor([*SINK_IDS, *r])
    return ids.to(device), torch.tensor([SINKS + len(r) for r in rows], device=device)


def hidden(model: MemoryModel, ids: Tensor) -> Tensor:
    """Final hidden states [B, T, C], plain causal: padding comes after everything that is read."""
    return model.base(ids, torch.arange(ids.shape[1], device=ids.device).expand(ids.shape), None)


def vectors(model: MemoryModel, heads: Heads, rows: list[list[int]], device) -> Tensor:
    """[B, width], of length 1."""
    ids, lengths = padded(rows, device)
    at = torch.arange(ids.shape[1], device=device)[None]
    own = ((at >= SINKS) & (at < lengths[:, None])).float()[:, :, None]
    found = torch.zeros(len(rows), heads.vector.out_features, device=device)
    if heads.tokens is None or heads.training or heads.vector.weight.any():  # a matrix of zeros needs no model
        h = hidden(model, ids).float()
        found = heads.vector((h * own).sum(1) / own.sum(1)).float()
    if heads.tokens is not None:
        if heads.training:  # the table knows the training functions too well: half of its tokens leave the hidden states something to learn
            own = own * (torch.rand(own.shape, device=device) < 0.5)
        found = found + (heads.tokens(ids) * own).sum(1) / own.sum(1).clamp(min=1.0)
    return F.normalize(found, dim=-1)


def contrast(a: Tensor, b: Tensor, temperature: Tensor, repeated: Tensor) -> Tensor:
    """InfoNCE both ways. repeated bool [B, B]: pairs off the diagonal that are right too, so must not count as wrong."""
    scores = a @ b.t() * temperature.exp().clamp(max=100.0)
    scores = scores.masked_fill(repeated & ~torch.eye(len(a), dtype=torch.bool, device=a.device), -1e4)
    labels = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(scores, labels) + F.cross_entropy(scores.t(), labels)) / 2
