"""The reader as it is kept and as it runs: `python -m recipe.reader.export --adapter RUN/adapter --out DIR`.

Copies the adapter and where its training stands, and sums every file. With --merged the base with the adapter merged in is
written too, in f16 and Hugging Face's layout: what is quantized and run. The base's weights are not for committing.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from recipe.config import home
from recipe.export.folder import write_sums
from recipe.reader.adapter import load_reader

KEPT = ("adapter_config.json", "adapter_model.safetensors", "training.json")


def write_adapter(adapter: Path, out: Path, base: str) -> None:
    """The adapter's files, its base named as others find it."""
    out.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copyfile(adapter / name, out / name)
    config = json.loads((out / "adapter_config.json").read_text()) | {"base_model_name_or_path": base}
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    for path in out.iterdir():
        path.chmod(0o644)
    write_sums(out)


def write_merged(base: Path, adapter: Path, out: Path) -> None:
    """config.json, model.safetensors (f16) and the tokenizer's files of the base with the adapter merged in."""
    out.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.numpy().astype(np.float16) for name, value in load_reader(base, adapter).state_dict().items()
    }
    save_file(weights, str(out / "model.safetensors"), metadata={"format": "pt"})
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(base / name, out / name)
    config = json.loads((base / "config.json").read_text()) | {"torch_dtype": "float16"}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def main(argv: list[str] | None = None) -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--adapter", type=Path, default=home() / "runs/reader/answers/adapter")
    args.add_argument("--out", type=Path, required=True)
    args.add_argument("--base-name", default="HuggingFaceTB/SmolLM2-135M-Instruct")
    args.add_argument("--base", type=Path, default=home() / "reader/base")
    args.add_argument("--merged", type=Path, help="folder for the base with the adapter merged in")
    a = args.parse_args(argv)
    write_adapter(a.adapter, a.out, a.base_name)
    if a.merged:
        write_merged(a.base, a.adapter, a.merged)


if __name__ == "__main__":
    main()
