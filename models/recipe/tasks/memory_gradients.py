"""The memory stage's tasks: continuing a chain from the memory tokens of its past, repeating a text, copying."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from recipe.machine import autocast
from recipe.model.incremental import full, incremental
from recipe.model.kv_rows import Rows
from recipe.model.memory_slots import MemoryModel, Segment
from recipe.tasks.chains import Chain
from recipe.tasks.keys import Recall


def continuation_gradient(
    model: MemoryModel, data: Chain, ratio: int, reservoir: int, rng: random.Random, compensate: bool, where
) -> float:
    """Adds the gradient of the mean loss over a chain's segments 1, 2, ...; returns that loss in nats.

    reservoir: encoders whose graphs are alive at once; 0 keeps all graphs (full back-propagation).
    """
    count = data.ids.shape[1]
    sinks = model.sinks(data.ids.shape[0], where)

    def encode(i: int) -> Rows:
        with autocast(where):
            return model.encode(data.segment(i), ratio)

    def loss(i: int, held: list) -> Tensor:
        if not held:
            return torch.zeros((), device=where)  # the first segment has no past: nothing to learn from it
        with autocast(where):
            return model.loss(model.decode(data.ids[:, i], Rows.cat(held), sinks), data.targets[:, i])[0]

    scale = 1.0 / (count - 1)
    if reservoir == 0:
        return sum(full(count, encode, loss, scale)) * scale
    return sum(incremental(count, encode, loss, reservoir, rng, compensate, scale)) * scale


def repeat_loss(model: MemoryModel, ids: Tensor, ratio: int, where) -> Tensor:
    """ids [B, n]: the text again, from its memory tokens alone."""
    with autocast(where):
        memories = model.encode(Segment(ids), ratio)
        hidden = model.decode(ids[:, :-1], memories, model.sinks(ids.shape[0], where), repeat=True)
        return model.loss(hidden, ids)[0]


def recall_loss(model: MemoryModel, recall: Recall, ratio: int, where) -> Tensor:
    """What is asked for, from the segments' memory tokens alone."""
    with autocast(where):
        memories = model.encode_all(recall.segments, ratio)
        sinks = model.sinks(len(recall.question), where)
        return model.loss(model.decode(recall.question, memories, sinks), recall.targets)[0]
