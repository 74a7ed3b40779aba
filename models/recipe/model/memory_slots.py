"""Memory tokens: a few learned rows that stand for a whole segment of text (UIO-LLMs).

Encoder. The frozen base reads the segment behind the sinks. Then a second pass reads M memory tokens, copies of one learned
vector (the tensors call it `slot`). Memory token j sees the sinks, the segment's rows of its share and all before, and
itself. Low-rank changes of W_Q and W_V act at the memory tokens only. So the segment's own rows stay the base's: the
engine needs no second prefill, and training needs gradients through M rows only.

Memory tokens are of two kinds (docs/decisions/recipe-memory-tokens.md):

- In place (ratios 32 and 256; the context of a whole workspace is made of them). Memory token j starts as the last token of
  its share, at that token's place, seeing what it saw. Untrained, its row is that token's own.
- Appended (ratio 8, where much must be held; as in UIO-LLMs). Memory token j is another row after its share. It starts with
  the learned vector plus, scaled, the weighted mean of the embeddings of its share. The weights are one number a token
  of the vocabulary; rare tokens weigh more to begin with.

Transfer head. A memory token leaves in each layer that layer's attention input h. Its key and value are h (W_K + dK) and
h (W_V + dV), another low-rank change that is used nowhere else. Keys are not rotated.

Shapes: B segments, n rows of a segment, M memory tokens, K key heads, D head size, C hidden size.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recipe.config import ID, SINK_IDS
from recipe.model.kv_rows import Rows
from recipe.model.lora import LoRA
from recipe.model.loss import cross_entropy
from recipe.model.masks import Layout, visible
from recipe.model.transformer import Llama

SINKS = len(SINK_IDS)
SEGMENT = 256  # rows of a segment in the product
# Tokens of a share whose embeddings an appended memory token starts with, at most. A memory token of ratio 256 is then the
# eighth one of ratio 32, so the engine makes both at once.
SPAN = 32


class Segment(NamedTuple):
    """A batch of segments of one length."""

    ids: Tensor  # [B, n]
    layout: Layout | None = None  # over the n rows; None: plain causal


def coverage(length: int, ratio: int) -> list[int]:
    """Rows of the segment that each memory token sees: ratio, 2 ratio, ..., length. There is one at least."""
    return [min((j + 1) * ratio, length) for j in range(max(1, math.ceil(length / ratio)))]


class MemoryModel(nn.Module):
    """A base model, and the parameters that make memory tokens of its rows.

    Two ablations: `everywhere` applies the low-rank changes at all rows of the encoder's pass, which then costs a prefill
    of its own. `transfer=False` makes memory rows by the base's own W_K and W_V.
    """

    def __init__(
        self,
        base: Llama,
        rank: int = 32,
        alpha: float = 64.0,
        everywhere: bool = False,
        transfer: bool = True,
        in_place: bool = False,
    ):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.rank, self.everywhere, self.in_place = rank, everywhere, in_place
        c, embeddings = base.config, base.model.embed_tokens.weight.detach().float()
        # It starts as an anchor, which pretraining has taught to stand for the rows before it.
        self.slot = nn.Parameter(torch.zeros_like(embeddings[0]) if in_place else embeddings[ID["anchor"]].clone())
        self.repeat = nn.Parameter(embeddings[ID["repeat"]].clone())
        self.span_weight = nn.Parameter(torch.zeros(c.vocab_size))  # logarithms
        self.span_gain = nn.Parameter(torch.zeros(1))  # zero: the share's embeddings are left out

        def per_layer(outputs: int) -> nn.ModuleList:
            return nn.ModuleList(LoRA(c.hidden_size, outputs, rank, alpha) for _ in range(c.num_hidden_layers))

        q, kv = c.num_attention_heads * c.head_dim, c.num_key_value_heads * c.head_dim
        self.slot_q, self.slot_v = per_layer(q), per_layer(kv)
        self.head_k, self.head_v = per_layer(kv), per_layer(kv)
        if not transfer:  # their second factor starts at zero, so frozen they change nothing
            self.head_k.requires_grad_(False)
            self.head_v.requires_grad_(False)

    def trained(self) -> dict[str, Tensor]:
        """The tensors that come on top of the base, by name."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith("base.")}

    def sinks(self, batch: int, device) -> Rows:
        """The constant rows of the sinks."""
        ids = torch.tensor(SINK_IDS, device=device).expand(batch, SINKS)
        with torch.no_grad():
            return self.base(ids, torch.arange(SINKS, device=device).expand(batch, SINKS), None, rows=True)[1]

    def ordinary(self, segment: Segment, through: bool = False) -> Rows:
        """The base's rows of sinks and segment, [B, K, SINKS + n, D], as the engine's prefill makes them.

        No gradient passes them unless `through` is set. A base that is trained too then learns to make rows that memory
        tokens can read.
        """
        b, n = segment.ids.shape
        device = segment.ids.device
        ids = torch.cat([torch.tensor(SINK_IDS, device=device).expand(b, SINKS), segment.ids], 1)
        mask = None
        if segment.layout is not None:
            zero = torch.zeros(b, SINKS, dtype=segment.layout.doc.dtype, device=device)
            mask = visible(Layout(*(torch.cat([zero, part], 1) for part in segment.layout)))
        positions = torch.arange(SINKS + n, device=device).expand(b, SINKS + n)
        with torch.set_grad_enabled(torch.is_grad_enabled() and (self.everywhere or through)):
            return self.base(ids, positions, mask, rows=True, delta=self._change if self.everywhere else None)[1]

    def _change(self, layer: int, x: Tensor):
        return self.slot_q[layer](x), None, self.slot_v[layer](x)

    def weigh_spans(self, counts: np.ndarray, gain: float = 1.5, a: float = 3e-4) -> None:
        """First weights of appended memory tokens: a token with the share p of the text, counts [V], weighs a / (a + p)."""
        with torch.no_grad():
            self.span_weight.copy_(-torch.log1p(torch.from_numpy(counts / counts.sum() / a)))
            self.span_gain.fill_(gain)

    def starts(self, ids: Tensor, cover: Tensor) -> Tensor:
        """First hidden states of memory tokens, [B, M, C], of segments ids [B, n]; token j covers the rows before cover[j]."""
        if self.in_place:
            return self.slot + self.base.model.embed_tokens.weight[ids[:, cover - 1]].float()
        begin = torch.maximum(F.pad(cover[:-1], (1, 0)), cover - SPAN)
        at = begin[:, None] + torch.arange(int((cover - begin).max()), device=ids.device)
        taken = ids[:, at.clamp(max=ids.shape[1] - 1)]
        weights = self.span_weight[taken].masked_fill(at >= cover[:, None], -math.inf).softmax(-1)
        mean = torch.einsum("bmw,bmwc->bmc", weights, self.base.model.embed_tokens.weight[taken].float())
        return self.slot + self.span_gain * mean

    def encode(self, segment: Segment, ratio: int, through: bool = False) -> Rows:
        """Memory rows [B, K, M, D] of a segment, M = ceil(n / ratio); differentiable in this module's parameters."""
        past = self.ordinary(segment, through)
        b, n = segment.ids.shape
        device = segment.ids.device
        cover = torch.tensor(coverage(n, ratio), device=device)
        m, starts = len(cover), self.starts(segment.ids, cover)
        if self.in_place:
            cover = cover - 1
        seen = torch.arange(SINKS + n, device=device)[None] < SINKS + cover[:, None]
        mask = torch.cat([seen, torch.eye(m, dtype=torch.bool, device=device)], 1)[None, None]
        _, inputs = self.base(
            None,
            (SINKS + cover).expand(b, m),
            mask,
            embeds=starts,
            past=past,
            past_positions=torch.arange(SINKS + n, device=device).expand(b, SINKS + n),
            delta=self._change,
            inputs=True,
        )
        c, keys, values = self.base.config, [], []
        for i, h in enumerate(inputs):
            attention = self.base.model.layers[i].self_attn
            for out, projection, head in (
                (keys, attention.k_proj, self.head_k),
                (values, attention.v_proj, self.head_v),
            ):
                out.append((projection(h) + head[i](h)).view(b, m, c.num_key_value_heads, c.head_dim).transpose(1, 2))
        return Rows(keys, values)

    def encode_all(self, ids: Tensor, ratio: int, through: bool = False) -> Rows:
        """Memory rows [B, K, S * M, D] of S segments side by side, ids [B, S, n]. Segments do not depend on each other."""
        return side_by_side(self.encode(Segment(ids.flatten(0, 1)), ratio, through), ids.shape[0])

    def read_all(self, ids: Tensor, through: bool = False) -> Rows:
        """The segments' own rows side by side, [B, K, S * n, D], without sinks."""
        rows = self.ordinary(Segment(ids.flatten(0, 1)), through)
        return side_by_side(Rows(*([x[:, :, SINKS:] for x in part] for part in rows)), ids.shape[0])

    def decode(self, ids: Tensor, memories: Rows | None, sinks: Rows, repeat: bool = False) -> Tensor:
        """Hidden states [B, T, C] of `ids` after [sinks, memory rows], at contiguous positions from 0.

        With `repeat` the learned <|repeat|> vector comes first and asks for the text again; then they are [B, T + 1, C].
        """
        b = sinks.keys[0].shape[0]
        past = sinks if memories is None else Rows.cat([sinks, memories])
        embeds = self.base.model.embed_tokens(ids)
        if repeat:
            embeds = torch.cat([self.repeat.expand(b, 1, -1).to(embeds.dtype), embeds], 1)
        p, t = past.count, embeds.shape[1]
        i, j = torch.arange(t, device=ids.device)[:, None], torch.arange(p + t, device=ids.device)[None]
        positions = torch.arange(p + t, device=ids.device).expand(b, p + t)
        mask = (j <= i + p)[None, None]
        return self.base(None, positions[:, p:], mask, embeds=embeds, past=past, past_positions=positions[:, :p])

    def loss(self, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mean nats, and each target's own."""
        return cross_entropy(hidden, self.base.model.embed_tokens.weight, targets)


def side_by_side(rows: Rows, batch: int) -> Rows:
    """Rows of B * S segments, [B * S, K, M, D], as rows of B contexts, [B, K, S * M, D]."""

    def joined(x: Tensor) -> Tensor:
        _, k, m, d = x.shape
        return x.view(batch, -1, k, m, d).transpose(1, 2).reshape(batch, k, -1, d)

    return Rows([joined(x) for x in rows.keys], [joined(x) for x in rows.values])


def restored(base: Llama, state: dict, **ablations: bool) -> MemoryModel:
    """The memory model of a checkpoint over this base."""
    model = MemoryModel(base, state["rank"], in_place=state.get("in_place", False), **ablations)
    model.load_state_dict(state["weights"], strict=False)
    return model
