"""Greedy decoding of many continuations at once; a stem that several of them share is read once.

The model's own forward rotates and copies all past keys at each call. Here keys are kept rotated, in buffers of their
final size, and query heads of one key head share a product.

Shapes: N prompts, S rows of the longest stem, W of the longest prompt, K key heads, G query heads a key head, D head size.
"""

from __future__ import annotations

import torch
from torch import Tensor

from recipe.model.rope import rotate
from recipe.model.transformer import Llama

Group = tuple[list[int], list[list[int]]]  # a stem, and the prompts that follow it


class Cache:
    """Rotated keys and values [N, K, size, D] of each layer; `used` rows are filled, `seen` [N, size] are no padding."""

    def __init__(self, model: Llama, count: int, size: int):
        c, like = model.config, model.model.norm.weight
        shape = (count, c.num_key_value_heads, size, c.head_dim)
        self.keys = [like.new_zeros(shape) for _ in range(c.num_hidden_layers)]
        self.values = [like.new_zeros(shape) for _ in range(c.num_hidden_layers)]
        self.seen = torch.zeros(count, size, dtype=torch.bool)
        self.used = 0


def attend(q: Tensor, keys: Tensor, values: Tensor, hidden: Tensor) -> Tensor:
    """q [N, K * G, T, D], keys and values [N, K, P, D], hidden bool [N, T, P] (true: not to be seen) -> [N, T, K * G * D]."""
    n, heads, t, d = q.shape
    k = keys.shape[1]
    rows = q.reshape(n, k, heads // k * t, d) * d**-0.5
    scores = (rows @ keys.transpose(2, 3)).view(n, k, heads // k, t, -1)
    shares = scores.masked_fill(hidden[:, None, None], -1e9).softmax(-1)
    out = (shares.view(n, k, heads // k * t, -1) @ values).view(n, heads, t, d)
    return out.transpose(1, 2).reshape(n, t, heads * d)


def advance(model: Llama, cache: Cache, ids: Tensor, positions: Tensor, real: Tensor) -> Tensor:
    """Reads tokens [N, T] at their positions behind the cache's rows; real [N, T]: no padding. Last hidden states [N, C]."""
    n, t = ids.shape
    begin, end = cache.used, cache.used + t
    cache.seen[:, begin:end] = real
    # Behind what was read before, a token sees the real ones up to itself; padding sees itself too.
    hidden = ~cache.seen[:, None, :end].repeat(1, t, 1)
    hidden[:, :, begin:] |= torch.ones(t, t, dtype=torch.bool).triu(1)
    hidden[:, torch.arange(t), begin + torch.arange(t)] = False
    cos, sin = model.rope(positions)
    x = model.model.embed_tokens(ids)
    for i, layer in enumerate(model.model.layers):
        h, attention = layer.input_layernorm(x), layer.self_attn
        q, k, v = (
            projected(h).view(n, t, -1, attention.dim).transpose(1, 2)
            for projected in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        cache.keys[i][:, :, begin:end] = rotate(k, cos, sin)
        cache.values[i][:, :, begin:end] = v
        seen = attend(rotate(q, cos, sin), cache.keys[i][:, :, :end], cache.values[i][:, :, :end], hidden)
        x = x + attention.o_proj(seen)
        x = x + layer.mlp(layer.post_attention_layernorm(x))
    cache.used = end
    return model.model.norm(x[:, -1])


@torch.no_grad()
def greedy(model: Llama, groups: list[Group], end: int, limit: int) -> list[list[list[int]]]:
    """For each group and prompt the likeliest tokens after stem and prompt, without `end`; `limit` tokens at most.

    Stems are padded at their end and prompts at their beginning; padding is seen by nobody else and teaches nothing.
    """
    prompts = [p for _, some in groups for p in some]
    count, width, longest = len(prompts), max(map(len, prompts)), max(len(stem) for stem, _ in groups)
    before = torch.tensor([len(stem) for stem, some in groups for _ in some])
    missing = torch.tensor([width - len(p) for p in prompts])
    cache = Cache(model, count, longest + width + limit)
    at = 0
    for stem, some in groups:
        if stem:
            own = Cache(model, 1, len(stem))
            advance(
                model,
                own,
                torch.tensor([stem]),
                torch.arange(len(stem))[None],
                torch.ones(1, len(stem), dtype=torch.bool),
            )
            for to, made in ((cache.keys, own.keys), (cache.values, own.values)):
                for layer, rows in zip(to, made):
                    layer[at : at + len(some), :, : len(stem)] = rows
            cache.seen[at : at + len(some), : len(stem)] = True
        at += len(some)
    cache.used = longest
    ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts])
    positions = (before[:, None] + torch.arange(width)[None] - missing[:, None]).clamp(min=0)
    real = torch.arange(width)[None] >= missing[:, None]
    said: list[list[int]] = [[] for _ in prompts]
    running = torch.ones(count, dtype=torch.bool)
    for step in range(limit):
        chosen = model.logits(advance(model, cache, ids, positions, real)).argmax(-1)
        running &= chosen != end
        for i in running.nonzero()[:, 0].tolist():
            said[i].append(int(chosen[i]))
        if not running.any():
            break
        ids, real = chosen[:, None], torch.ones(count, 1, dtype=torch.bool)
        positions = (before + width + step - missing)[:, None]
    told = iter(said)
    return [[next(told) for _ in some] for _, some in groups]
