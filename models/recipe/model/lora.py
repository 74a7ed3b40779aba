"""Low-rank changes of linear maps (LoRA), and adapters of them in the format of PEFT."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn

from recipe.model.transformer import Llama

PREFIX = "base_model.model."
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj")
SAVED = ["embed_tokens", "input_layernorm", "post_attention_layernorm", "norm"]


class LoRA(nn.Module):
    """x -> scale * B A x, starting at zero."""

    def __init__(self, inputs: int, outputs: int, rank: int, alpha: float):
        super().__init__()
        self.a = nn.Parameter(torch.empty(rank, inputs))
        self.b = nn.Parameter(torch.zeros(outputs, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.a.t().to(x.dtype)) @ self.b.t().to(x.dtype) * self.scale


class Adapted(nn.Module):
    """A linear map and its low-rank change."""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.lora = LoRA(linear.in_features, linear.out_features, rank, alpha)

    @property
    def weight(self) -> Tensor:
        return self.linear.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.lora(x)


def adapt(model: Llama, rank: int = 8, alpha: float = 16.0) -> Llama:
    """LoRA+ (LongLoRA): attention maps change by a low rank, embeddings and norms in full, all else is frozen."""
    model.requires_grad_(False)
    for layer in model.model.layers:
        for name in TARGETS:
            setattr(layer.self_attn, name, Adapted(getattr(layer.self_attn, name), rank, alpha))
    for name, p in model.named_parameters():
        if "lora" in name or "embed" in name or "norm" in name:
            p.requires_grad_(True)
    return model


def save_adapter(model: Llama, out: Path, rank: int, alpha: float, base: str) -> None:
    """Writes adapter_config.json and adapter_model.safetensors as PEFT does.

    The output head is tied to the trained embeddings. PEFT leaves it on the old ones: after merging there, set
    lm_head.weight = model.embed_tokens.weight.
    """
    out.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, np.ndarray] = {}
    for name, p in model.named_parameters():
        if ".lora." in name:
            name = name.replace(".lora.a", ".lora_A.weight").replace(".lora.b", ".lora_B.weight")
        elif "embed" not in name and "norm" not in name:
            continue
        tensors[PREFIX + name] = p.detach().float().cpu().numpy()
    save_file(tensors, str(out / "adapter_model.safetensors"), metadata={"format": "pt"})
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": base}
    config |= {"r": rank, "lora_alpha": alpha, "lora_dropout": 0.0, "bias": "none", "fan_in_fan_out": False}
    config |= {"inference_mode": True, "use_rslora": False, "target_modules": list(TARGETS), "modules_to_save": SAVED}
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")


def merged(model: Llama, folder: Path) -> Llama:
    """The model with the adapter of `folder` added to its weights."""
    config = json.loads((folder / "adapter_config.json").read_text())
    scale = config["lora_alpha"] / config["r"]
    stored = load_file(str(folder / "adapter_model.safetensors"))
    tensors = {name[len(PREFIX) :]: torch.from_numpy(value) for name, value in stored.items()}
    state = {name: value.clone() for name, value in model.state_dict().items()}
    for name, value in tensors.items():
        if name.endswith(".lora_A.weight"):
            stem = name[: -len(".lora_A.weight")]
            state[stem + ".weight"] += scale * tensors[stem + ".lora_B.weight"] @ value
        elif not name.endswith(".lora_B.weight"):
            state[name] = value
    model.load_state_dict(state)
    return model
