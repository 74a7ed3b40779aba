"""Greedy decoding of many continuations at once; a stem that several of them share is read once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from recipe.model.kv_rows import Rows
from recipe.model.transformer import Llama

Group = tuple[list[int], list[list[int]]]  # a stem, and the prompts that follow it


@torch.no_grad()
def greedy(model: Llama, groups: list[Group], end: int, limit: int) -> list[list[list[int]]]:
    """For each group and prompt the likeliest tokens after stem and prompt, without `end`; `limit` tokens at most.

    Stems are padded at their end and prompts at their beginning; padding is seen by nobody else and teaches nothing.
    """
    prompts = [p for _, some in groups for p in some]
    stems = [len(stem) for stem, some in groups for _ in some]
    count, width, s = len(prompts), max(map(len, prompts)), max(stems)
    before, missing = torch.tensor(stems), torch.tensor([width - len(p) for p in prompts])
    past = _stem_rows(model, groups, s) if s else None
    ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts])
    positions = (before[:, None] + torch.arange(width)[None] - missing[:, None]).clamp(min=0)
    places = torch.arange(s).expand(count, s)
    usable = torch.cat([torch.arange(s)[None] < before[:, None], torch.arange(width)[None] >= missing[:, None]], 1)
    causal = torch.cat([torch.ones(width, s, dtype=torch.bool), torch.ones(width, width, dtype=torch.bool).tril()], 1)
    mask = causal[None] & usable[:, None]
    # A padding row sees itself, so that its softmax is over something.
    mask[:, torch.arange(width), s + torch.arange(width)] = True
    said: list[list[int]] = [[] for _ in prompts]
    running = torch.ones(count, dtype=torch.bool)
    for step in range(limit):
        hidden, rows = model(
            ids, positions, mask[:, None], past=past, past_positions=None if past is None else places, rows=True
        )
        past = rows if past is None else Rows.cat([past, rows])
        places = torch.cat([places, positions], 1)
        ids = model.logits(hidden[:, -1:]).argmax(-1)
        running &= ids[:, 0] != end
        for i in running.nonzero()[:, 0].tolist():
            said[i].append(int(ids[i, 0]))
        if not running.any():
            break
        positions = (before + width + step - missing)[:, None]
        usable = torch.cat([usable, torch.ones(count, 1, dtype=torch.bool)], 1)
        mask = usable[:, None]
    told = iter(said)
    return [[next(told) for _ in some] for _, some in groups]


def _stem_rows(model: Llama, groups: list[Group], length: int) -> Rows:
    """Rows of each stem, padded to one length and repeated for its prompts."""

    def fitted(x: Tensor, times: int) -> Tensor:
        return F.pad(x, (0, 0, 0, length - x.shape[2])).expand(times, -1, -1, -1)

    c = model.config
    nothing = [model.model.norm.weight.new_zeros(1, c.num_key_value_heads, 0, c.head_dim)] * c.num_hidden_layers
    made = []
    for stem, some in groups:
        rows = Rows(nothing, nothing)
        if stem:
            _, rows = model(torch.tensor([stem]), torch.arange(len(stem))[None], None, rows=True)
        made.append(Rows(*([fitted(x, len(some)) for x in part] for part in rows)))
    layers = range(len(made[0].keys))
    return Rows(
        [torch.cat([m.keys[i] for m in made]) for i in layers], [torch.cat([m.values[i] for m in made]) for i in layers]
    )
