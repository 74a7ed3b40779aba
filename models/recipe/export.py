"""Writes a checkpoint folder as any Llama: `python models/recipe/export.py --checkpoint RUN/decayed.pt --tokenizer DIR --out DIR`.

config.json, generation_config.json, model.safetensors (f16), tokenizer.json, tokenizer_config.json with the chat template,
and SHA256SUMS. What only our engine uses (sinks, anchor rule, memories) is the object "anchorage" in config.json.
Before it ends it reads the folder back and compares logits with an independent forward (reference.py) on seeded tokens.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Optional

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from config import ANCHOR_MAX, ANCHOR_MIN, ID, SINK_IDS, ModelConfig, home
from model import Llama
from reference import forward
from run import load_model, read

TOLERANCE = 1e-3  # largest difference of logits allowed


def hf_config(config: ModelConfig, rope: Optional[dict], window: int, extra: Optional[dict] = None) -> dict:
    """config.json. `rope` is {"factors": [D/2], "scale": m} of a context extension to `window` rows."""
    scaling = None
    if rope:
        # One set of factors at every length: the weights were tuned with it, and rows stored once serve short and long contexts.
        scaling = {"rope_type": "longrope", "short_factor": rope["factors"], "long_factor": rope["factors"],
                   "factor": window / config.max_position_embeddings, "attention_factor": rope.get("scale", 1.0),
                   "original_max_position_embeddings": config.max_position_embeddings}
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float16", "hidden_act": "silu",
        "vocab_size": config.vocab_size, "hidden_size": config.hidden_size, "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers, "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads, "head_dim": config.head_dim,
        "rms_norm_eps": config.rms_norm_eps, "rope_theta": config.rope_theta, "rope_scaling": scaling,
        "max_position_embeddings": window,
        "original_max_position_embeddings": config.max_position_embeddings,
        "tie_word_embeddings": True, "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0,
        "bos_token_id": ID["bos"], "eos_token_id": [ID["eos"], ID["end"]], "pad_token_id": ID["pad"], "use_cache": True,
        "anchorage": {
            "sink_token_ids": list(SINK_IDS), "anchor_token_id": ID["anchor"], "memory_token_id": ID["mem"],
            "repeat_token_id": ID["repeat"], "gist_token_id": ID["gist"], "point_token_id": ID["point"],
            "none_token_id": ID["none"], "query_token_id": ID["query"], "file_token_id": ID["file"],
            "anchor_rule": {"min": ANCHOR_MIN, "max": ANCHOR_MAX}, **(extra or {}),
        },
    }


def write_folder(model: Llama, tokenizer: Path, out: Path, extra: Optional[dict] = None,
                 tensors: Optional[dict[str, dict[str, np.ndarray]]] = None) -> None:
    """`tensors`: further files, name -> {tensor name -> array} (memories, heads), written as f16 safetensors."""
    out.mkdir(parents=True, exist_ok=True)
    rope = {"factors": list(model.rope.factors), "scale": model.rope.scale} if model.rope.factors else None
    config = hf_config(model.config, rope, model.window, extra)
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (out / "generation_config.json").write_text(json.dumps(
        {k: config[k] for k in ("bos_token_id", "eos_token_id", "pad_token_id")} | {"do_sample": False}, indent=2) + "\n")
    weights = {k: np.ascontiguousarray(v.float().cpu().numpy().astype(np.float16)) for k, v in model.state_dict().items()}
    for name, some in {"model.safetensors": weights, **(tensors or {})}.items():
        for key, value in some.items():
            if not np.isfinite(value.astype(np.float16)).all():
                raise SystemExit(f"{key} does not fit f16: {name} not written")
        save_file({k: v.astype(np.float16) for k, v in some.items()}, str(out / name), metadata={"format": "pt"})
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokenizer / name, out / name)
    vocabulary = json.loads((out / "tokenizer.json").read_text())["model"]["vocab"]
    if max(vocabulary.values()) >= model.config.vocab_size:
        raise SystemExit("the tokenizer has more ids than the model has embeddings")
    for path in out.iterdir():
        path.chmod(0o644)
    sums(out)


def sums(out: Path) -> None:
    names = sorted(p.name for p in out.iterdir() if p.suffix in (".json", ".safetensors"))
    lines = [f"{hashlib.sha256((out / n).read_bytes()).hexdigest()}  {n}" for n in names]
    (out / "SHA256SUMS").write_text("\n".join(lines) + "\n")


def read_folder(folder: Path, **kwargs: Any) -> Llama:
    """The model of an exported folder, in f32."""
    c = json.loads((folder / "config.json").read_text())
    names = ModelConfig.__dataclass_fields__
    config = ModelConfig(**{**{k: v for k, v in c.items() if k in names},
                            "max_position_embeddings": c["original_max_position_embeddings"]})
    scaling = c.get("rope_scaling")
    if scaling and "factors" not in kwargs:
        kwargs = {**kwargs, "factors": scaling["long_factor"], "rope_scale": scaling["attention_factor"]}
    model = Llama(config, **kwargs)
    model.window = c["max_position_embeddings"]
    model.load_state_dict({k: torch.from_numpy(v.astype(np.float32))
                           for k, v in load_file(str(folder / "model.safetensors")).items()})
    return model


@torch.no_grad()
def check(folder: Path, length: int = 96, seed: int = 0) -> float:
    """Largest difference between PyTorch's logits and the reference's over `length` seeded tokens."""
    model = read_folder(folder).eval()
    ids = np.random.default_rng(seed).integers(len(ID), model.config.vocab_size, length)
    ids[:len(SINK_IDS)] = SINK_IDS
    tensor = torch.from_numpy(ids)[None]
    ours = model.logits(model(tensor, torch.arange(length)[None], None))[0].double().numpy()
    return float(np.abs(ours - forward(folder, ids.tolist())).max())


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--checkpoint", type=Path, required=True)
    args.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    args.add_argument("--out", type=Path, required=True)
    args.add_argument("--memory", type=Path, help="a checkpoint whose slots and transfer head to add: joint.py's sparse.pt")
    args.add_argument("--dense", type=Path, help="slots of the lowest ratio to add beside them: joint.py's memory.pt")
    args.add_argument("--heads", type=Path, help="a tasks.py checkpoint whose vector head to add")
    args.add_argument("--selection", type=Path, help="a choosing.py checkpoint whose metric to add")
    args.add_argument("--pointer", type=Path, help="a pointer.py checkpoint whose line pointer to add to the heads")
    a = args.parse_args()
    model = load_model(a.checkpoint)
    extra, tensors = {}, {}
    for path in (a.memory, a.dense, a.heads, a.selection):
        if path:
            part = read(path)["export"]  # {"config": {...}, "file": name, "tensors": {...}}
            if part is None:
                raise SystemExit(f"{path} is of an ablation that the engine cannot run")
            extra.update(part["config"])
            tensors[part["file"]] = {k: v.float().numpy() for k, v in part["tensors"].items()}
    if a.heads:
        heads = tensors["heads.safetensors"]
        tensors["heads.safetensors"] = {k: v for k, v in heads.items() if k.startswith("vector.")}  # the tasks' own pointer is an ablation
        if a.pointer:
            tensors["heads.safetensors"].update({k: v.numpy() for k, v in read(a.pointer)["export"].items()})
    write_folder(model, a.tokenizer, a.out, extra, tensors=tensors)
    difference = check(a.out)
    size = sum(p.stat().st_size for p in a.out.iterdir()) / 1e6
    print(json.dumps({"out": str(a.out), "megabytes": round(size, 2), "largest_logit_difference": difference}))
    if difference > TOLERANCE:
        raise SystemExit(f"logits differ by {difference}, more than {TOLERANCE}")


if __name__ == "__main__":
    main()
