"""The reader's adapter: low-rank changes of every matrix of the upper layers, kept in PEFT's layout in f16."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor

from recipe.checkpoint import load_model
from recipe.model.lora import PREFIX, Adapted
from recipe.model.transformer import Llama

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
FEED_FORWARD = ("gate_proj", "up_proj", "down_proj")
TARGETS = (*ATTENTION, *FEED_FORWARD)


def adapt_layers(model: Llama, rank: int, alpha: float, first: int, targets: tuple[str, ...] = TARGETS) -> Llama:
    """Adapts layers from `first` on; all else is frozen. Layers below it then need no backward pass."""
    model.requires_grad_(False)
    for layer in list(model.model.layers)[first:]:
        for owner, names in ((layer.self_attn, ATTENTION), (layer.mlp, FEED_FORWARD)):
            for name in names:
                if name in targets:
                    setattr(owner, name, Adapted(getattr(owner, name), rank, alpha))
    return model


def adapter_state(model: Llama) -> dict[str, Tensor]:
    """The trained tensors by name."""
    return {name: p.detach() for name, p in model.named_parameters() if ".lora." in name}


def trained_state(model: Llama) -> dict[str, Tensor]:
    """Everything that is trained, by name: also norms and vectors."""
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}


def load_reader(base: Path, adapter: Path | None = None, **kwargs) -> Llama:
    """The base with an adapter merged in. kwargs are those of Llama (factors, rope_scale)."""
    model = load_model(base, **kwargs)
    return merge_adapter(model, adapter) if adapter else model


def save_adapter(
    state: dict[str, Tensor],
    out: Path,
    rank: int,
    alpha: float,
    first: int,
    layers: int,
    base: str,
    targets: tuple[str, ...] = TARGETS,
) -> None:
    """adapter_config.json and adapter_model.safetensors (f16) as PEFT writes them."""
    out.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, np.ndarray] = {}
    for name, value in state.items():
        stem = name.replace(".lora.a", ".lora_A.weight").replace(".lora.b", ".lora_B.weight")
        tensors[PREFIX + stem] = value.float().cpu().numpy().astype(np.float16)
    save_file(tensors, str(out / "adapter_model.safetensors"), metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "use_rslora": False,
        "target_modules": list(targets),
        "layers_to_transform": list(range(first, layers)),
        "modules_to_save": None,
    }
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")


def read_state(folder: Path) -> dict:
    """An exported adapter as a checkpoint without an optimiser: weights by the names of `adapter_state`, step, tokens."""
    found = load_file(str(folder / "adapter_model.safetensors"))
    weights = {
        name[len(PREFIX) :].replace(".lora_A.weight", ".lora.a").replace(".lora_B.weight", ".lora.b"): torch.from_numpy(
            value
        ).float()
        for name, value in found.items()
    }
    return {"weights": weights, **json.loads((folder / "training.json").read_text())}


@torch.no_grad()
def merge_adapter(model: Llama, folder: Path) -> Llama:
    """Adds the adapter of a folder to a plain model's weights, in place."""
    config = json.loads((folder / "adapter_config.json").read_text())
    scale = config["lora_alpha"] / config["r"]
    found = load_file(str(folder / "adapter_model.safetensors"))
    tensors = {name[len(PREFIX) :]: torch.from_numpy(value).float() for name, value in found.items()}
    parameters = dict(model.named_parameters())
    for name, a in tensors.items():
        if name.endswith(".lora_A.weight"):
            stem = name.removesuffix(".lora_A.weight")
            parameters[stem + ".weight"] += scale * tensors[stem + ".lora_B.weight"] @ a
    return model
