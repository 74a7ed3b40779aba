"""Checkpoints of runs, and models read from a checkpoint or from an exported folder."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import Tensor, nn

from recipe.config import ModelConfig
from recipe.model.transformer import Llama


def save(path: Path, model: nn.Module | dict[str, Tensor], config: ModelConfig, **state: Any) -> None:
    """Writes weights (of a module, or tensors by name), the model's shape and whatever a resume needs.

    The file is written under another name and renamed, so a crash leaves the old checkpoint whole.
    """
    if isinstance(model, Llama):
        state = {"factors": model.rope.factors, "rope_scale": model.rope.scale, "window": model.window, **state}
    weights = model if isinstance(model, dict) else _plain_state(model)
    write(path, {"config": asdict(config), "weights": weights, **state})


def write(path: Path, state: dict) -> None:
    """Writes a checkpoint's content under another name and renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    torch.save(state, new)
    os.replace(new, path)


def _plain_state(model: nn.Module) -> dict[str, Tensor]:
    """Weights by name, without the prefix that torch.compile adds."""
    return {name.replace("_orig_mod.", ""): value.detach() for name, value in model.state_dict().items()}


def read(path: Path) -> dict:
    """A checkpoint's content, on the CPU."""
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except TypeError:  # PyTorch 1.13 has no weights_only
        return torch.load(path, map_location="cpu")


def load_model(path: Path, **kwargs: Any) -> Llama:
    """The model of a checkpoint (a .pt file) or of an exported folder. kwargs override the factors of its rope."""
    path = Path(path)
    if path.is_dir():
        return read_folder(path, **kwargs)
    state = read(path)
    extra = {"factors": state.get("factors"), "rope_scale": state.get("rope_scale", 1.0), **kwargs}
    model = Llama(ModelConfig(**state["config"]), **extra)
    model.window = state.get("window") or model.window
    missing = model.load_state_dict(state["weights"], strict=False).missing_keys
    if missing:
        raise SystemExit(f"{path} lacks {missing[:3]}")
    return model


def read_folder(folder: Path, **kwargs: Any) -> Llama:
    """The model of an exported folder (config.json, model.safetensors), in f32."""
    read_config = json.loads((folder / "config.json").read_text())
    shape = {name: value for name, value in read_config.items() if name in ModelConfig.__dataclass_fields__}
    shape["max_position_embeddings"] = read_config["original_max_position_embeddings"]
    scaling = read_config.get("rope_scaling")
    if scaling and "factors" not in kwargs:
        kwargs = {**kwargs, "factors": scaling["long_factor"], "rope_scale": scaling["attention_factor"]}
    model = Llama(ModelConfig(**shape), **kwargs)
    model.window = read_config["max_position_embeddings"]
    weights = load_file(str(folder / "model.safetensors"))
    model.load_state_dict({name: torch.from_numpy(value.astype(np.float32)) for name, value in weights.items()})
    return model
