"""The task that teaches a model's own attention to select: a question's mean query falls on the text that answers it.

The context of a whole workspace holds a few memory tokens in place of every segment. The product selects what it reads in
full by, among others, the attention that those rows draw from the question. In each head of the later layers that is
the softmax over all rows of mean query . key / sqrt(D), without rotation. InfLLM scores its blocks in this way.
Untrained, the same rows draw every question.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from recipe.heads.vectors import padded
from recipe.model.memory_slots import SINKS, MemoryModel, Segment
from recipe.tasks.question_pairs import NEXT, PairMaker


def selecting_layers(model: MemoryModel) -> list[int]:
    """The later half of the layers. In the first half, keys know little beyond their own token."""
    count = model.base.config.num_hidden_layers
    return list(range(count // 2, count))


def mean_queries(model: MemoryModel, rows: list[list[int]], where) -> list[Tensor]:
    """Per selecting layer the mean of the queries over a question's rows, [B, H, D]; not rotated, sinks left out."""
    ids, lengths = padded(rows, where)
    positions = torch.arange(ids.shape[1], device=where).expand(ids.shape)
    _, seen = model.base(ids, positions, None, inputs=True)
    own = ((positions >= SINKS) & (positions < lengths[:, None])).float()[:, :, None]
    found = []
    for i in selecting_layers(model):
        attention = model.base.model.layers[i].self_attn
        mean = (attention.q_proj(seen[i]).float() * own).sum(1) / own.sum(1)
        found.append(mean.view(len(rows), attention.heads, attention.dim))
    return found


def attention_loss(queries: list[Tensor], keys: list[Tensor], same: Tensor) -> Tensor:
    """Mean nats, over heads and questions, of the share of attention that falls on a question's own rows.

    Per layer queries are [B, H, D] and keys [B, K, M, D]; query head h reads key head h K // H. same [B, B] marks the
    pairs off the diagonal that match too.
    """
    total, count = torch.zeros((), device=same.device), 0
    others = same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
    for q, k in zip(queries, keys):
        k = k.float().repeat_interleave(q.shape[1] // k.shape[1], 1)
        logits = torch.einsum("bhd,chmd->hbcm", q, k) / math.sqrt(q.shape[-1])
        by_text = logits.logsumexp(-1).masked_fill(others, -1e4)
        total = total - by_text.log_softmax(-1).diagonal(dim1=1, dim2=2).mean()
        count += 1
    return total / count


class AttentionSelection:
    """The task's loss. `in_place` makes the memory tokens, at one of `ratios`."""

    def __init__(self, in_place: MemoryModel, pairs: PairMaker, ratios: list[int], where):
        self.in_place, self.pairs, self.ratios, self.where = in_place, pairs, ratios, where

    def loss(self, step: int, rng: np.random.Generator, rows: int) -> Tensor:
        """rows: about how many rows of texts and questions it may cost. With more texts there is more to tell apart."""
        length = int(rng.choice((64, 96, 128)))
        questions, texts, labels = self.pairs.of_length(step, max(4, 2 * rows // (length + NEXT)), length, rng)
        ratio = int(rng.choice(self.ratios))
        keys = self.in_place.encode(Segment(torch.tensor(texts, device=self.where)), ratio).keys
        same = torch.tensor([[a == b for b in labels] for a in labels], device=self.where)
        keys = [keys[i] for i in selecting_layers(self.in_place)]
        return attention_loss(mean_queries(self.in_place, questions, self.where), keys, same)
