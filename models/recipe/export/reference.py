"""A second, independent forward pass in numpy, written after the definition of the checkpoint format.

It reads an exported folder. A mistake in the model or in the export (a transposed weight, the other rotation) shows as
unequal logits.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


def frequencies(config: dict) -> tuple[np.ndarray, float]:
    """Frequency of each pair of a head, fastest first, in radians a row; and the scale of cos and sin."""
    dim = config["head_dim"]
    base = 1.0 / config["rope_theta"] ** (np.arange(0, dim, 2) / dim)
    scaling = config.get("rope_scaling")
    if not scaling:
        return base, 1.0
    return base / np.array(scaling["long_factor"]), float(scaling.get("attention_factor", 1.0))


def forward(folder: Path, ids: list[int], mask: np.ndarray | None = None) -> np.ndarray:
    """Logits [T, V] in f64 of one sequence. mask bool [T, T], true: visible; None: causal."""
    config = json.loads((folder / "config.json").read_text())
    weights = {k: v.astype(np.float64) for k, v in load_file(str(folder / "model.safetensors")).items()}
    heads, kv_heads, dim = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    t = len(ids)
    mask = np.tril(np.ones((t, t), bool)) if mask is None else mask
    frequency, scale = frequencies(config)
    angle = np.arange(t)[:, None] * frequency[None]
    turn = (np.cos(angle) + 1j * np.sin(angle)) * scale  # a pair is a complex number, its rotation a product

    def norm(x, w):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + config["rms_norm_eps"]) * w

    def rotated(x):  # [T, dim], pairs are (d, d + dim/2)
        z = (x[:, : dim // 2] + 1j * x[:, dim // 2 :]) * turn
        return np.concatenate([z.real, z.imag], -1)

    x = weights["model.embed_tokens.weight"][ids]
    for i in range(config["num_hidden_layers"]):
        w = {k[len(f"model.layers.{i}.") :]: v for k, v in weights.items() if k.startswith(f"model.layers.{i}.")}
        h = norm(x, w["input_layernorm.weight"])
        q, k, v = (h @ w[f"self_attn.{n}_proj.weight"].T for n in "qkv")
        parts = []
        for head in range(heads):
            g = head // (heads // kv_heads)
            a = rotated(q[:, head * dim : (head + 1) * dim]) @ rotated(k[:, g * dim : (g + 1) * dim]).T / np.sqrt(dim)
            a = np.where(mask, a, -np.inf)
            a = np.exp(a - a.max(-1, keepdims=True))
            parts.append(a / a.sum(-1, keepdims=True) @ v[:, g * dim : (g + 1) * dim])
        x = x + np.concatenate(parts, -1) @ w["self_attn.o_proj.weight"].T
        h = norm(x, w["post_attention_layernorm.weight"])
        gate = h @ w["mlp.gate_proj.weight"].T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w["mlp.up_proj.weight"].T)) @ w["mlp.down_proj.weight"].T
    return norm(x, weights["model.norm.weight"]) @ weights["model.embed_tokens.weight"].T
