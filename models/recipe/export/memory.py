"""Tensors of memory slots as the engine reads them."""

from __future__ import annotations

import torch

from recipe.model.memory_slots import SPAN, MemoryModel


def export_part(model: MemoryModel, ratios: list[int], length: int, name: str = "memory") -> dict:
    """For export.py: merged matrices, so that the engine needs no low-rank code for memories."""
    tensors = {"slot": model.slot.detach(), "repeat": model.repeat.detach()}
    if model.in_place:
        tensors["slot.in_place"] = torch.ones(1)
    else:
        tensors |= {
            "slot.span_weight": model.span_weight.detach().softmax(0) * len(model.span_weight),
            "slot.span_gain": model.span_gain.detach(),
            "slot.span_rows": torch.tensor([float(SPAN)]),
        }
    for i, layer in enumerate(model.base.model.layers):
        for part, matrix, lora in (
            ("slot", "q_proj", model.slot_q),
            ("slot", "v_proj", model.slot_v),
            ("head", "k_proj", model.head_k),
            ("head", "v_proj", model.head_v),
        ):
            weight = getattr(layer.self_attn, matrix).weight
            tensors[f"layers.{i}.{part}.{matrix}.weight"] = (
                (weight + lora[i].scale * lora[i].b @ lora[i].a).detach().cpu()
            )
    return {
        "file": f"{name}.safetensors",
        "tensors": tensors,
        "config": {name: {"file": f"{name}.safetensors", "ratios": ratios, "segment_rows": length}},
    }
