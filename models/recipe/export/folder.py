"""Writes a model as a checkpoint folder that loads as any Llama.

Only this project's engine reads the object `anchorage` in config.json.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Optional

import numpy as np
from safetensors.numpy import save_file

from recipe.config import ANCHOR_MAX, ANCHOR_MIN, ID, SINK_IDS, ModelConfig
from recipe.model.transformer import Llama


def hf_config(config: ModelConfig, rope: Optional[dict], window: int, extra: Optional[dict] = None) -> dict:
    """The content of config.json. rope: {"factors": [D/2], "scale": m} of an extension to `window` rows."""
    scaling = None
    if rope:
        # One set of factors at every length: the weights are tuned with it, and stored rows serve contexts of any length.
        scaling = {
            "rope_type": "longrope",
            "short_factor": rope["factors"],
            "long_factor": rope["factors"],
            "factor": window / config.max_position_embeddings,
            "attention_factor": rope.get("scale", 1.0),
            "original_max_position_embeddings": config.max_position_embeddings,
        }
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "torch_dtype": "float16",
        "hidden_act": "silu",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads,
        "head_dim": config.head_dim,
        "rms_norm_eps": config.rms_norm_eps,
        "rope_theta": config.rope_theta,
        "rope_scaling": scaling,
        "max_position_embeddings": window,
        "original_max_position_embeddings": config.max_position_embeddings,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": ID["bos"],
        "eos_token_id": [ID["eos"], ID["end"]],
        "pad_token_id": ID["pad"],
        "use_cache": True,
        "anchorage": {
            "sink_token_ids": list(SINK_IDS),
            "anchor_token_id": ID["anchor"],
            "memory_token_id": ID["mem"],
            "repeat_token_id": ID["repeat"],
            "gist_token_id": ID["gist"],
            "point_token_id": ID["point"],
            "none_token_id": ID["none"],
            "file_token_id": ID["file"],
            "anchor_rule": {"min": ANCHOR_MIN, "max": ANCHOR_MAX},
            **(extra or {}),
        },
    }


def write_folder(
    model: Llama,
    tokenizer: Path,
    out: Path,
    extra: Optional[dict] = None,
    tensors: Optional[dict[str, dict[str, np.ndarray]]] = None,
) -> None:
    """Writes config.json, generation_config.json, model.safetensors (f16), the tokenizer's files and SHA256SUMS.

    extra: entries of config.json's `anchorage` object. tensors: further safetensors files, name -> {tensor name -> array}.
    """
    out.mkdir(parents=True, exist_ok=True)
    rope = {"factors": list(model.rope.factors), "scale": model.rope.scale} if model.rope.factors else None
    config = hf_config(model.config, rope, model.window, extra)
    generation = {name: config[name] for name in ("bos_token_id", "eos_token_id", "pad_token_id")} | {
        "do_sample": False
    }
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (out / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    weights = {name: value.float().cpu().numpy() for name, value in model.state_dict().items()}
    for file, some in {"model.safetensors": weights, **(tensors or {})}.items():
        halves = {name: np.ascontiguousarray(value.astype(np.float16)) for name, value in some.items()}
        for name, value in halves.items():
            if not np.isfinite(value).all():
                raise SystemExit(f"{name} does not fit f16: {file} not written")
        save_file(halves, str(out / file), metadata={"format": "pt"})
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokenizer / name, out / name)
    vocabulary = json.loads((out / "tokenizer.json").read_text())["model"]["vocab"]
    if max(vocabulary.values()) >= model.config.vocab_size:
        raise SystemExit("the tokenizer has more ids than the model has embeddings")
    for path in out.iterdir():
        path.chmod(0o644)
    write_sums(out)


def write_sums(out: Path) -> None:
    """Writes SHA256SUMS of every JSON and safetensors file."""
    names = sorted(path.name for path in out.iterdir() if path.suffix in (".json", ".safetensors"))
    lines = [f"{hashlib.sha256((out / name).read_bytes()).hexdigest()}  {name}" for name in names]
    (out / "SHA256SUMS").write_text("\n".join(lines) + "\n")
