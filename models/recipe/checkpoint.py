"""Checkpoints of runs, and models read from a checkpoint or an exported folder."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import nn

from recipe.config import ModelConfig
from recipe.model.transformer import Llama


def save(path: Path, model: nn.Module | dict, config: ModelConfig, **state: Any) -> None:
    """Weights (of a module, or tensors by name), shape and whatever a resume needs; written beside and renamed, so a crash leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    if isinstance(model, Llama):
        state = {"factors": model.rope.factors, "rope_scale": model.rope.scale, "window": model.window, **state}
    torch.save(
        {"config": asdict(config), "weights": model if isinstance(model, dict) else plain_state(model), **state}, beside
    )
    os.replace(beside, path)


def plain_state(model: nn.Module) -> dict:
    return {k.replace("_orig_mod.", ""): v.detach() for k, v in model.state_dict().items()}


def read(path: Path) -> dict:
    """A checkpoint written by `save`, on the CPU."""
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except TypeError:  # PyTorch 1.13 has no weights_only
        return torch.load(path, map_location="cpu")


def load_model(path: Path, **kwargs: Any) -> Llama:
    """From a training checkpoint (a .pt file) or from an exported folder (config.json, model.safetensors)."""
    path = Path(path)
    if path.is_dir():
        from export import read_folder  # here: export imports this module

        return read_folder(path, **kwargs)
    state = read(path)
    extra = {"factors": state.get("factors"), "rope_scale": state.get("rope_scale", 1.0), **kwargs}
    model = Llama(ModelConfig(**state["config"]), **extra)
    model.window = state.get("window") or model.window
    missing = model.load_state_dict(state["weights"], strict=False)
    if missing.missing_keys:
        raise SystemExit(f"{path} lacks {missing.missing_keys[:3]}")
    return model


def read_folder(folder: Path, **kwargs: Any) -> Llama:
    """The model of an exported folder, in f32."""
    c = json.loads((folder / "config.json").read_text())
    names = ModelConfig.__dataclass_fields__
    config = ModelConfig(
        **{
            **{k: v for k, v in c.items() if k in names},
            "max_position_embeddings": c["original_max_position_embeddings"],
        }
    )
    scaling = c.get("rope_scaling")
    if scaling and "factors" not in kwargs:
        kwargs = {**kwargs, "factors": scaling["long_factor"], "rope_scale": scaling["attention_factor"]}
    model = Llama(config, **kwargs)
    model.window = c["max_position_embeddings"]
    model.load_state_dict(
        {k: torch.from_numpy(v.astype(np.float32)) for k, v in load_file(str(folder / "model.safetensors")).items()}
    )
    return model
