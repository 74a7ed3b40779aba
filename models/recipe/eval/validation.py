"""Loss on held-out rows while a model is pretrained."""

from __future__ import annotations

from pathlib import Path

import torch

from recipe.machine import autocast
from recipe.model.loss import IGNORE
from recipe.model.transformer import Llama
from recipe.tasks.text import batch_loss
from recipe.tokens.rows import Stream
from recipe.tokens.store import Tokens


@torch.no_grad()
def validate(model: Llama, trunk, batches: dict, where: torch.device) -> dict:
    """Nats per token of the held-out rows, by kind of mask. batches: kind -> list of Batch."""
    found = {}
    for kind, some in batches.items():
        total, count = 0.0, 0
        for batch in some:
            batch = batch.to(where)
            with autocast(where):
                _, each = batch_loss(model, trunk, batch)
            total += float(each.sum())
            count += int((batch.targets != IGNORE).sum())
        found[kind] = total / max(1, count)
    return found


def held_out(folder: Path, rows: int, count: int, length: int) -> dict:
    """Rows of the valid split by kind of mask, the same at every call."""
    tokens = Tokens(folder, "valid")
    return {
        kind: [Stream(tokens, 11 + i).batch(count, length, kind) for i in range(max(1, rows // count))]
        for kind in ("full", "ansan", "spliced")
    }
