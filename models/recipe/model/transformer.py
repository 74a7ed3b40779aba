"""A Llama decoder in plain PyTorch, weight for weight Hugging Face's `LlamaForCausalLM` with tied embeddings.

It offers what the stages need and Hugging Face's does not: attention masks of any shape, past rows whose keys are not
rotated (so they can be placed at any position), low-rank changes at some rows only, and another attention function for
training. It runs on PyTorch 1.13 (without `compile` and fused attention) and on 2.x.

Shapes: B sequences, T new rows, P past rows, H query heads, K key heads, D head size, C hidden size.
"""

from __future__ import annotations

import math
from typing import Callable, Optional

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recipe.config import ModelConfig
from recipe.model.attention import sdpa
from recipe.model.kv_rows import Rows
from recipe.model.rope import Rope, rotate


class RMSNorm(nn.Module):
    def __init__(self, size: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        y = x.float()
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.eps)
        return y.to(x.dtype) * self.weight


class Attention(nn.Module):
    def __init__(self, c: ModelConfig):
        super().__init__()
        self.heads, self.kv_heads, self.dim = c.num_attention_heads, c.num_key_value_heads, c.head_dim
        self.q_proj = nn.Linear(c.hidden_size, self.heads * self.dim, bias=False)
        self.k_proj = nn.Linear(c.hidden_size, self.kv_heads * self.dim, bias=False)
        self.v_proj = nn.Linear(c.hidden_size, self.kv_heads * self.dim, bias=False)
        self.o_proj = nn.Linear(self.heads * self.dim, c.hidden_size, bias=False)

    def forward(self, x, cos, sin, mask, past=None, delta=None, attend=sdpa):
        """x [B, T, C] -> output [B, T, C], and keys (not rotated) and values of the new rows, [B, K, T, D].

        past: rotated keys and values that come before the new ones. delta: (dq, dk, dv) that are added to the projections;
        each may be None.
        """
        b, t, _ = x.shape
        q, k, v = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        if delta is not None:
            q, k, v = (a if d is None else a + d.to(a.dtype) for a, d in zip((q, k, v), delta))
        q = q.view(b, t, self.heads, self.dim).transpose(1, 2)
        k = k.view(b, t, self.kv_heads, self.dim).transpose(1, 2)
        v = v.view(b, t, self.kv_heads, self.dim).transpose(1, 2)
        key, value = rotate(k, cos, sin), v
        if past is not None:
            key, value = torch.cat([past[0].to(key.dtype), key], 2), torch.cat([past[1].to(v.dtype), v], 2)
        out = attend(rotate(q, cos, sin), key, value, mask)
        return self.o_proj(out.transpose(1, 2).reshape(b, t, self.heads * self.dim)), k, v


class MLP(nn.Module):
    def __init__(self, c: ModelConfig):
        super().__init__()
        self.gate_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.up_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.down_proj = nn.Linear(c.intermediate_size, c.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c: ModelConfig):
        super().__init__()
        self.input_layernorm = RMSNorm(c.hidden_size, c.rms_norm_eps)
        self.self_attn = Attention(c)
        self.post_attention_layernorm = RMSNorm(c.hidden_size, c.rms_norm_eps)
        self.mlp = MLP(c)


class Trunk(nn.Module):
    def __init__(self, c: ModelConfig):
        super().__init__()
        self.embed_tokens = nn.Embedding(c.vocab_size, c.hidden_size)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.num_hidden_layers))
        self.norm = RMSNorm(c.hidden_size, c.rms_norm_eps)


Delta = Callable[[int, Tensor], Optional[tuple]]


class Llama(nn.Module):
    """Parameters are named as in the checkpoint: `model.layers.0.self_attn.q_proj.weight`, ..."""

    def __init__(
        self, config: ModelConfig, factors: Optional[list[float]] = None, rope_scale: float = 1.0, seed: int = 0
    ):
        super().__init__()
        self.config = config
        self.window = config.max_position_embeddings  # rows it can read; more than the first window once it is extended
        self.model = Trunk(config)
        self.rope = Rope(config.head_dim, config.rope_theta, factors, rope_scale)
        generator = torch.Generator().manual_seed(seed)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                # As in GPT-2, residual branches start smaller, so that depth does not grow the stream.
                out = name.endswith(("o_proj.weight", "down_proj.weight"))
                std = 0.02 / (math.sqrt(2 * config.num_hidden_layers) if out else 1.0)
                with torch.no_grad():
                    p.normal_(0.0, std, generator=generator)

    def forward(
        self,
        ids: Optional[Tensor],
        positions: Tensor,
        mask: Optional[Tensor],
        embeds: Optional[Tensor] = None,
        past: Optional[Rows] = None,
        past_positions: Optional[Tensor] = None,
        delta: Optional[Delta] = None,
        attend=sdpa,
        rows: bool = False,
        inputs: bool = False,
    ):
        """Hidden states [B, T, C] after the last norm; then the new Rows (`rows`) and each layer's attention input (`inputs`).

        ids [B, T] or embeds [B, T, C]; positions [B, T]; mask bool [B, 1, T, P+T], None is causal and admits no past.
        past_positions [B, P] places the past rows: their keys are rotated here. delta(layer, x) gives (dq, dk, dv).
        """
        x = self.model.embed_tokens(ids) if embeds is None else embeds
        cos, sin = self.rope(positions)
        if past is not None:
            past_cos, past_sin = self.rope(past_positions)
        keys, values, seen = [], [], []
        for i, layer in enumerate(self.model.layers):
            h = layer.input_layernorm(x)
            before = (rotate(past.keys[i], past_cos, past_sin), past.values[i]) if past is not None else None
            out, k, v = layer.self_attn(h, cos, sin, mask, before, delta(i, h) if delta is not None else None, attend)
            x = x + out
            x = x + layer.mlp(layer.post_attention_layernorm(x))
            if rows:
                keys.append(k)
                values.append(v)
            if inputs:
                seen.append(h)
        hidden = self.model.norm(x)
        if not rows and not inputs:
            return hidden
        return (hidden,) + ((Rows(keys, values),) if rows else ()) + ((seen,) if inputs else ())

    def logits(self, hidden: Tensor) -> Tensor:
        return F.linear(hidden, self.model.embed_tokens.weight)


def parameter_count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
