"""Segment memories (UIO-LLMs, section 4 of the design): a few learned rows that stand for a whole segment.

Encoder: the segment behind the sinks, as the frozen base sees it, then M slots, copies of one learned vector. Slot j sees the
sinks, the first (j + 1) l / M rows of the segment and itself, at the position that follows those rows. Low-rank changes
of W_Q and W_V act at the slots only. So the segment's own rows are the base's, untouched, and the slots are a second pass of
M rows over them: the engine needs no second prefill, and training needs gradients through M rows instead of l.

Slots are of two kinds. *In place* (what a context of a whole workspace is made of, ratios 32 and 256): slot j starts as the last token of
its share, in that token's place, seeing what it saw. Untrained, its row is that token's own, which readers know already; what is
trained is how it differs. *Beside* (ratio 8, where much must be held): slot j is another row after its share, as in UIO-LLMs, and
what it starts with is the learned vector and, scaled, the weighted mean of the embeddings of the tokens that no slot before it
has seen (SPAN of them at most; the weights are one number a token of the vocabulary, rare ones weigh more to begin with). README, "Two kinds of slots".

Transfer head: what a slot leaves in a layer is that layer's attention input h. Its key and value are h (W_K + dK) and
h (W_V + dV), another low-rank change, used nowhere else. Keys are not rotated.
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
SPAN = 32  # tokens of whose embeddings a slot is told, at most: a slot of ratio 256 is the eighth of ratio 32, so the engine makes both at once


class Segment(NamedTuple):
    """A batch of segments of one length. ids [B, n]; layout over the n rows (None: plain causal)."""

    ids: Tensor
    layout: Layout | None = None


def coverage(length: int, ratio: int) -> list[int]:
    """Rows of the segment that each slot sees: ratio, 2 ratio, ..., length. One slot at least."""
    return [min((j + 1) * ratio, length) for j in range(max(1, math.ceil(length / ratio)))]


class MemoryModel(nn.Module):
    """`everywhere` and `transfer=False` are ablations: the slots' changes at all rows of the encoder's pass (which then costs
    a prefill of its own, and gradients through it), and memory rows by the base's own W_K and W_V.
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
        self.in_place = in_place
        self.base = base.requires_grad_(False)
        self.everywhere = everywhere
        c = base.config
        q, kv = c.num_attention_heads * c.head_dim, c.num_key_value_heads * c.head_dim
        self.rank, self.alpha = rank, alpha
        # A slot starts as an anchor, which pretraining has taught to stand for the rows before it.
        self.slot = nn.Parameter(base.model.embed_tokens.weight[ID["anchor"]].detach().float().clone())
        if in_place:
            nn.init.zeros_(self.slot)
        self.repeat = nn.Parameter(base.model.embed_tokens.weight[ID["repeat"]].detach().float().clone())

        self.span_weight = nn.Parameter(torch.zeros(c.vocab_size))  # logarithms
        self.span_gain = nn.Parameter(torch.zeros(1))  # zero: as without

        def per_layer(outputs: int) -> nn.ModuleList:
            return nn.ModuleList(LoRA(c.hidden_size, outputs, rank, alpha) for _ in range(c.num_hidden_layers))

        self.slot_q, self.slot_v = per_layer(q), per_layer(kv)
        self.head_k, self.head_v = per_layer(kv), per_layer(kv)
        if not transfer:  # their second factor starts at zero, so frozen they change nothing
            self.head_k.requires_grad_(False)
            self.head_v.requires_grad_(False)

    def trained(self) -> dict[str, Tensor]:
        """What this stage adds to the base, by name."""
        return {k: v for k, v in self.state_dict().items() if not k.startswith("base.")}

    def sinks(self, batch: int, device) -> Rows:
        """The constant rows of the sinks."""
        ids = torch.tensor(SINK_IDS, device=device).expand(batch, SINKS)
        with torch.no_grad():
            return self.base(ids, torch.arange(SINKS, device=device).expand(batch, SINKS), None, rows=True)[1]

    def ordinary(self, segment: Segment, through: bool = False) -> Rows:
        """The base's rows of sinks and segment [B, K, SINKS + n, D]: what the engine's prefill keeps.

        No gradient passes them, unless `through` says so: a base that is trained too can then learn to make rows that slots can read.
        """
        b, n = segment.ids.shape
        device = segment.ids.device
        ids = torch.cat([torch.tensor(SINK_IDS, device=device).expand(b, SINKS), segment.ids], 1)
        mask = None
        if segment.layout is not None:
            zero = torch.zeros(b, SINKS, dtype=segment.layout.doc.dtype, device=device)
            mask = visible(Layout(*(torch.cat([zero, part], 1) for part in segment.layout)))
        with torch.set_grad_enabled(torch.is_grad_enabled() and (self.everywhere or through)):
            return self.base(
                ids,
                torch.arange(SINKS + n, device=device).expand(b, SINKS + n),
                mask,
                rows=True,
                delta=self._change if self.everywhere else None,
            )[1]

    def _change(self, layer: int, x: Tensor):
        return self.slot_q[layer](x), None, self.slot_v[layer](x)

    def tell_spans(self, counts: np.ndarray, gain: float = 1.5, a: float = 3e-4) -> None:
        """Of slots beside, where no weights were learnt yet: a token that makes up the share p of the text, counts [V], weighs a / (a + p)."""
        with torch.no_grad():
            self.span_weight.copy_(-torch.log1p(torch.from_numpy(counts / counts.sum() / a)))
            self.span_gain.fill_(gain)

    def starts(self, ids: Tensor, cover: Tensor) -> Tensor:
        """What the slots start with, [B, M, C], of segments ids [B, n] whose rows before cover[j] slot j sees (or would, beside)."""
        if self.in_place:
            return self.slot + self.base.model.embed_tokens.weight[ids[:, cover - 1]].float()
        begin = torch.maximum(F.pad(cover[:-1], (1, 0)), cover - SPAN)
        at = begin[:, None] + torch.arange(int((cover - begin).max()), device=ids.device)
        taken = ids[:, at.clamp(max=ids.shape[1] - 1)]
        weights = self.span_weight[taken].masked_fill(at >= cover[:, None], -math.inf).softmax(-1)
        mean = torch.einsum("bmw,bmwc->bmc", weights, self.base.model.embed_tokens.weight[taken].float())
        return self.slot + self.span_gain * mean

    def encode(self, segment: Segment, ratio: int, through: bool = False) -> Rows:
        """Memory rows [B, K, M, D] of a segment, M = ceil(n / ratio); differentiable in this stage's parameters."""
        past = self.ordinary(segment, through)
        b, n = segment.ids.shape
        device = segment.ids.device
        cover = torch.tensor(coverage(n, ratio), device=device)
        m, starts = len(cover), self.starts(segment.ids, cover)
        if self.in_place:
            cover = cover - 1
        seen = torch.arange(SINKS + n, device=device)[None] < SINKS + cover[:, None]
        mask = torch.cat([seen, torch.eye(m, dtype=torch.bool, device=device)], 1)[None, None]

        _, seen_by_layer = self.base(
            None,
            (SINKS + cover).expand(b, m),
            mask,
            embeds=starts,
            past=past,
            past_positions=torch.arange(SINKS + n, device=device).expand(b, SINKS + n),
            delta=self._change,
            inputs=True,
        )
        c = self.base.config
        keys, values = [], []
        for i, h in enumerate(seen_by_layer):
            attention = self.base.model.layers[i].self_attn
            for out, projection, head in (
                (keys, attention.k_proj, self.head_k),
                (values, attention.v_proj, self.head_v),
            ):
                out.append((projection(h) + head[i](h)).view(b, m, c.num_key_value_heads, c.head_dim).transpose(1, 2))
        return Rows(keys, values)

    def encode_all(self, ids: Tensor, ratio: int, through: bool = False) -> Rows:
        """Memory rows [B, K, S * M, D] of S segments side by side, ids [B, S, n]: they do not depend on each other."""
        return side_by_side(self.encode(Segment(ids.flatten(0, 1)), ratio, through), ids.shape[0])

    def read_all(self, ids: Tensor, through: bool = False) -> Rows:
        """The same of all their own rows, [B, K, S * n, D]."""
        rows = self.ordinary(Segment(ids.flatten(0, 1)), through)
        return side_by_side(Rows(*([x[:, :, SINKS:] for x in part] for part in rows)), ids.shape[0])

    def decode(self, ids: Tensor, memories: Rows | None, sinks: Rows, repeat: bool = False) -> Tensor:
        """Hidden [B, T(+1), C] of `ids` after [sinks, memories], positions contiguous from 0.

        With `repeat` the learned <|repeat|> vector comes first and asks for the memories' text again.
        """
        b = sinks.keys[0].shape[0]
        past = sinks if memories is None else Rows.cat([sinks, memories])
        embeds = self.base.model.embed_tokens(ids)
        if repeat:
            embeds = torch.cat([self.repeat.expand(b, 1, -1).to(embeds.dtype), embeds], 1)
        p, t = past.count, embeds.shape[1]
        i, j = torch.arange(t, device=ids.device)[:, None], torch.arange(p + t, device=ids.device)[None]
        positions = torch.arange(p + t, device=ids.device).expand(b, p + t)
        return self.base(
            None, positions[:, p:], (j <= i + p)[None, None], embeds=embeds, past=past, past_positions=positions[:, :p]
        )

    def loss(self, hidden: Tensor, targets: Tensor, chunk: int = 512):
        """Mean nats, and each target's own."""
        return cross_entropy(hidden, self.base.model.embed_tokens.weight, targets, chunk=chunk)


def side_by_side(rows: Rows, batch: int) -> Rows:
    """Rows of B * S segments, [B * S, K, M, D], as rows of B contexts, [B, K, S * M, D]."""

    def joined(x: Tensor) -> Tensor:
        _, k, m, d = x.shape
        return x.view(batch, -1, k, m, d).transpose(1, 2).reshape(batch, k, -1, d)

    return Rows([joined(x) for x in rows.keys], [joined(x) for x in rows.values])


def restored(base: Llama, state: dict, **ablation: bool) -> MemoryModel:
    """The slots of a checkpoint for this base."""
    model = MemoryModel(base, state["rank"], in_place=state.get("in_place", False), **ablation)
    model.load_state_dict(state["weights"], strict=False)
    return model
