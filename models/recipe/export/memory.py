"""The memory tokens' part of the exported folder."""

from __future__ import annotations

import torch

from recipe.model.memory_slots import SPAN, MemoryModel


def memory_part(model: MemoryModel, ratios: list[int], segment: int, name: str = "memory") -> dict:
    """{"file", "tensors", "config"}. Low-rank changes are merged, so that the engine needs no code for them."""
    tensors = {"slot": model.slot.detach(), "repeat": model.repeat.detach()}
    if model.in_place:
        tensors["slot.in_place"] = torch.ones(1)
    else:
        tensors["slot.span_weight"] = model.span_weight.detach().softmax(0) * len(model.span_weight)
        tensors["slot.span_gain"] = model.span_gain.detach()
        tensors["slot.span_rows"] = torch.tensor([float(SPAN)])
    changes = (
        ("slot", "q_proj", model.slot_q),
        ("slot", "v_proj", model.slot_v),
        ("head", "k_proj", model.head_k),
        ("head", "v_proj", model.head_v),
    )
    for i, layer in enumerate(model.base.model.layers):
        for part, matrix, lora in changes:
            weight = getattr(layer.self_attn, matrix).weight + lora[i].scale * lora[i].b @ lora[i].a
            tensors[f"layers.{i}.{part}.{matrix}.weight"] = weight.detach().cpu()
    file = f"{name}.safetensors"
    return {
        "file": file,
        "tensors": tensors,
        "config": {name: {"file": file, "ratios": ratios, "segment_rows": segment}},
    }
