"""Cached rows of tokens: keys and values per layer."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Rows(NamedTuple):
    """Keys (not rotated) and values of some tokens, per layer, each [B, K, rows, D]."""

    keys: list[Tensor]
    values: list[Tensor]

    @staticmethod
    def cat(parts: "list[Rows]") -> "Rows":
        return Rows(
            [torch.cat([p.keys[i] for p in parts], 2) for i in range(len(parts[0].keys))],
            [torch.cat([p.values[i] for p in parts], 2) for i in range(len(parts[0].keys))],
        )

    def take(self, index: Tensor) -> "Rows":
        return Rows([k[:, :, index] for k in self.keys], [v[:, :, index] for v in self.values])

    @property
    def count(self) -> int:
        return self.keys[0].shape[2]
