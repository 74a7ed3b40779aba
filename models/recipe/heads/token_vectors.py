"""A vector for each token of the vocabulary.

It is trained so that the mean of a question's token vectors is near to that of its code. The product compares single tokens
with it (late interaction). The vector of a text is the mean of its tokens' vectors, at length 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

FILE = "token_vectors.safetensors"


class Texts(NamedTuple):
    """Token ids of many texts end to end. Text i is ids[starts[i]:starts[i + 1]]."""

    ids: np.ndarray  # int64
    starts: np.ndarray  # int64 [n + 1]

    @staticmethod
    def of(rows: list[list[int]]) -> "Texts":
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        return Texts(np.fromiter((token for row in rows for token in row), np.int64, int(starts[-1])), starts)

    def take(
        self, places: np.ndarray, rng: np.random.Generator | None = None, keep: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Ids and offsets of the texts at `places`. Each token stays with the chance `keep`, the first one always."""
        lengths = self.starts[places + 1] - self.starts[places]
        offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        at = np.arange(lengths.sum()) - np.repeat(offsets - self.starts[places], lengths)
        if rng is not None and keep < 1.0:
            kept = rng.random(len(at)) < keep
            kept[offsets] = True
            owner = np.repeat(np.arange(len(places)), lengths)[kept]
            at, offsets = at[kept], np.searchsorted(owner, np.arange(len(places)))
        return torch.from_numpy(self.ids[at]), torch.from_numpy(offsets)


class Table(nn.Module):
    """Token vectors [V, width]. Texts (ids, offsets) -> vectors [B, width] of length 1."""

    def __init__(self, vocab: int, width: int):
        super().__init__()
        self.rows = nn.EmbeddingBag(vocab, width, mode="mean")
        nn.init.normal_(self.rows.weight, std=width**-0.5)
        self.temperature = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, texts: tuple[Tensor, Tensor]) -> Tensor:
        return F.normalize(self.rows(*texts), dim=-1)

    def export(self) -> dict:
        """The part for the exported folder."""
        rows = self.rows.weight.detach().cpu()
        config = {"token_vectors": {"file": FILE, "width": rows.shape[1]}}
        return {"file": FILE, "tensors": {"token_vectors": rows}, "config": config}


def contrast(a: Tensor, b: Tensor, temperature: Tensor, same: Tensor) -> Tensor:
    """InfoNCE in both directions. same bool [B, B]: pairs that match; those off the diagonal are no negatives."""
    scores = a @ b.t() * temperature.exp().clamp(max=100.0)
    scores = scores.masked_fill(same & ~torch.eye(len(a), dtype=torch.bool, device=a.device), -1e4)
    labels = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(scores, labels) + F.cross_entropy(scores.t(), labels)) / 2
