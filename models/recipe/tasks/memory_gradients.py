"""Gradients of the memory stage: going on after a past, repeating a text, copying keys."""

from __future__ import annotations

import random

import torch

from recipe.machine import autocast
from recipe.model.incremental import full, incremental
from recipe.model.kv_rows import Rows
from recipe.model.memory_slots import MemoryModel, Segment


def continuation(model: MemoryModel, data, ratio: int, size: int, rng: random.Random, compensate: bool, where) -> float:
    """Adds the gradient of the mean loss over a chain's segments 1.. ; returns that loss in nats."""
    count = data.ids.shape[1]
    sinks = model.sinks(data.ids.shape[0], where)

    def encode(i: int) -> Rows:
        with autocast(where):
            return model.encode(data.segment(i), ratio)

    def loss(i: int, held: list):
        if not held:
            return torch.zeros((), device=where)  # the first segment has no past: nothing to learn from it
        with autocast(where):
            return model.loss(model.decode(data.ids[:, i], Rows.cat(held), sinks), data.targets[:, i])[0]

    step = full if size == 0 else incremental
    extra = {} if size == 0 else {"size": size, "rng": rng, "compensate": compensate}
    return sum(step(count, encode, loss, scale=1.0 / (count - 1), **extra)) / (count - 1)


def repeating(model: MemoryModel, ids: torch.Tensor, ratio: int, where) -> float:
    """ids [B, n]: the text from its memories alone."""
    with autocast(where):
        memories = model.encode(Segment(ids), ratio)
        hidden = model.decode(ids[:, :-1], memories, model.sinks(ids.shape[0], where), repeat=True)
        loss, _ = model.loss(hidden, ids)
    loss.backward()
    return float(loss.detach())


def copying(model: MemoryModel, keys, ratio: int, where) -> float:
    with autocast(where):
        memories = model.encode_all(keys.segments, ratio)
        loss, _ = model.loss(
            model.decode(keys.question, memories, model.sinks(len(keys.question), where)), keys.targets
        )
    loss.backward()
    return float(loss.detach())
