"""Rotary position embeddings and the factors that extend their window."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Optional

import torch
from torch import Tensor, nn


class Rope(nn.Module):
    """cos and sin of positions. `factors` divide the frequency of each pair, `scale` multiplies both tables."""

    def __init__(self, head_dim: int, theta: float, factors: Optional[list[float]] = None, scale: float = 1.0):
        super().__init__()
        frequency = theta ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
        if factors is not None:
            frequency = frequency / torch.tensor(factors, dtype=torch.float64)
        self.register_buffer("frequency", frequency.float(), persistent=False)
        self.factors, self.scale = factors, scale

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """positions [B, T], from 0 -> cos, sin [B, 1, T, D] in f32. Phases are large: half precision would blur them."""
        phase = positions[:, None, :, None].float() * self.frequency
        phase = torch.cat([phase, phase], -1)
        return phase.cos() * self.scale, phase.sin() * self.scale


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns each pair (d, d + D/2) by its phase."""
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], -1)
    return x * cos.to(x.dtype) + turned * sin.to(x.dtype)


def yarn(head_dim: int, theta: float, original: int, scale: float, fast: float = 32.0, slow: float = 1.0) -> dict:
    """YaRN's factors for a window of `scale` times `original` rows.

    Pairs that turn more than `fast` times in the old window stay. Those under `slow` turns are divided by `scale`.
    """

    def pair(turns: float) -> float:
        return head_dim * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(theta))

    low, high = max(math.floor(pair(fast)), 0), min(math.ceil(pair(slow)), head_dim // 2 - 1)
    factors = []
    for i in range(head_dim // 2):
        interpolated = min(1.0, max(0.0, (i - low) / max(0.001, high - low)))
        factors.append(1.0 / (interpolated / scale + 1.0 - interpolated))
    return {"factors": factors, "scale": 0.1 * math.log(scale) + 1.0}


def read_factors(path: Path, name: str | None, head_dim: int, first: int) -> dict:
    """{"factors": [D/2], "scale": m} of one entry of the engine's rope_factors.json; it must fit this window and head size."""
    found = json.loads(path.read_text())["factors"]
    if name is None and len(found) == 1:
        name = next(iter(found))
    if name not in found:
        raise SystemExit(f"{path} has factors named {', '.join(found) or 'nothing'}: name one with --factors-name")
    entry = found[name]
    if entry["originalMaxPositions"] != first or len(entry["factors"]) != head_dim // 2:
        raise SystemExit(
            f"{path}: {name} is for a window of {entry['originalMaxPositions']} rows and {len(entry['factors'])} pairs, "
            f"the model has {first} and {head_dim // 2}"
        )
    return {"factors": entry["factors"], "scale": entry["attentionFactor"]}
