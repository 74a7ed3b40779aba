"""Compares an exported folder with the reference forward pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from recipe.checkpoint import read_folder
from recipe.config import ID, SINK_IDS
from recipe.export.reference import forward

TOLERANCE = 1e-3  # largest difference of logits allowed


@torch.no_grad()
def largest_difference(folder: Path, length: int = 96, seed: int = 0) -> float:
    """Largest difference between the logits of the folder's model and of the reference, over `length` seeded tokens."""
    model = read_folder(folder).eval()
    ids = np.random.default_rng(seed).integers(len(ID), model.config.vocab_size, length)
    ids[: len(SINK_IDS)] = SINK_IDS
    hidden = model(torch.from_numpy(ids)[None], torch.arange(length)[None], None)
    return float(np.abs(model.logits(hidden)[0].double().numpy() - forward(folder, ids.tolist())).max())
