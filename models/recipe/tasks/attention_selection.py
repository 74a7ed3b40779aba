"""The lesson that makes a model's own attention choose: a question's mean query is to fall on the anchors of the text that answers it.

A context of a whole workspace holds a few coarse rows of every segment (slots in place). What the product then reads in full is chosen, among others, by
the attention those rows draw from the question: in each head of the later layers the softmax over all rows there of mean query . key / sqrt(D), nothing rotated
(InfLLM's block scores over rows that are kept anyway). Untrained, the same anchors draw every question. Pairs are a function and what its comment says
of it, and a text and what goes on from it; the other texts of the batch are what it must not fall on.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from recipe.config import ID
from recipe.heads.vectors import padded
from recipe.model.memory_slots import SINKS, MemoryModel, Segment
from recipe.tasks.examples import Maker
from recipe.tasks.functions import Draw
from recipe.tokens.store import Tokens

CONTINUED = 0.4  # share of pairs of text and what goes on from it
NEXT = 48  # tokens of that


def chosen_layers(model: MemoryModel) -> list[int]:
    """Whose heads choose: the later half. In the first, keys know little beyond their own token."""
    count = model.base.config.num_hidden_layers
    return list(range(count // 2, count))


def mean_queries(model: MemoryModel, rows: list[list[int]], where) -> list[Tensor]:
    """For each of chosen_layers the mean over a question's rows (without the sinks) of their queries, not rotated: [B, H, D]."""
    ids, lengths = padded(rows, where)
    positions = torch.arange(ids.shape[1], device=where).expand(ids.shape)
    _, seen = model.base(ids, positions, None, inputs=True)
    own = ((positions >= SINKS) & (positions < lengths[:, None])).float()[:, :, None]
    found = []
    for i in chosen_layers(model):
        attention = model.base.model.layers[i].self_attn
        mean = (attention.q_proj(seen[i]).float() * own).sum(1) / own.sum(1)
        found.append(mean.view(len(rows), attention.heads, attention.dim))
    return found


def falls_on(queries: list[Tensor], keys: list[Tensor], same: Tensor) -> Tensor:
    """Mean nats, over heads and questions, of the attention's share that falls on a question's own rows.

    queries of each layer [B, H, D], keys [B, K, M, D] (query head h reads key head h K // H), same bool [B, B]: pairs off the diagonal that are right too.
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


class Selecting:
    def __init__(self, sparse: MemoryModel, maker: Maker, draw: Draw, tokens: Tokens, ratios: list[int], where):
        self.sparse, self.maker, self.draw, self.tokens, self.ratios, self.where = (
            sparse,
            maker,
            draw,
            tokens,
            ratios,
            where,
        )

    def loss(self, step: int, rng: np.random.Generator, rows: int) -> Tensor:
        """rows: about how many of text and questions the lesson may cost with gradients; the more texts, the more there is to tell apart."""
        length = int(rng.choice((64, 96, 128)))
        asked, texts, said = (self.continued if rng.random() < CONTINUED else self.functions)(
            step, rng, max(4, 2 * rows // (length + NEXT)), length
        )
        ratio = int(rng.choice(self.ratios))
        keys = self.sparse.encode(Segment(torch.tensor(texts, device=self.where)), ratio).keys
        same = torch.tensor([[a == b for b in said] for a in said], device=self.where)
        return falls_on(
            mean_queries(self.sparse, asked, self.where), [keys[i] for i in chosen_layers(self.sparse)], same
        )

    def functions(
        self, step: int, rng: np.random.Generator, count: int, length: int
    ) -> tuple[list[list[int]], list[list[int]], list[str]]:
        """Questions, as many texts of one length, and what tells them apart. Short functions are left out: slots stand at one place in all texts."""
        hide, asked, texts, said = bool(rng.random() < 0.5), [], [], []
        for f in self.draw.batch(step, 3 * count):
            code = self.maker.code(f, hide)
            if len(code) < length or len(asked) == count:
                continue
            asked.append(self.maker.question(f, hide))
            texts.append(code[:length])
            said.append(f.summary)
        return (asked, texts, said) if len(asked) > 1 else self.continued(step, rng, count, length)

    def continued(
        self, step: int, rng: np.random.Generator, count: int, length: int
    ) -> tuple[list[list[int]], list[list[int]], list[str]]:
        asked, texts = [], []
        for start in rng.integers(0, len(self.tokens.ids) - length - NEXT, count):
            ids = np.asarray(self.tokens.ids[start : start + length + NEXT]).astype(np.int64).tolist()
            asked.append([ID["query"], *ids[length:]])
            texts.append(ids[:length])
        return asked, texts, [str(i) for i in range(count)]
