"""Writes a run as a checkpoint folder that loads as any Llama.

    python -m recipe.stages.export --checkpoint RUN/last.pt --memory FILE --dense FILE --token-vectors FILE \\
        --tokenizer DIR --out DIR

Before it ends it reads the folder back and compares its logits with an independent forward pass (export/reference.py).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from recipe.checkpoint import load_model, read
from recipe.config import home
from recipe.export.check import TOLERANCE, largest_difference
from recipe.export.folder import write_folder


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--memory", type=Path, help="memory tokens in place: sparse.pt of the anchors or joint stage")
    parser.add_argument("--dense", type=Path, help="memory tokens appended, lowest ratio: memory.pt of the joint stage")
    parser.add_argument("--token-vectors", type=Path, help="last.pt of the token vectors")
    a = parser.parse_args(argv)
    config, tensors = {}, {}
    for path in (a.memory, a.dense, a.token_vectors):
        if path:
            part = read(path)["export"]  # {"config": {...}, "file": name, "tensors": {...}}
            if part is None:
                raise SystemExit(f"{path} is of an ablation that the engine cannot run")
            config.update(part["config"])
            tensors[part["file"]] = {name: value.float().numpy() for name, value in part["tensors"].items()}
    write_folder(load_model(a.checkpoint), a.tokenizer, a.out, config, tensors)
    difference = largest_difference(a.out)
    size = sum(path.stat().st_size for path in a.out.iterdir()) / 1e6
    print(json.dumps({"out": str(a.out), "megabytes": round(size, 2), "largest_logit_difference": difference}))
    if difference > TOLERANCE:
        raise SystemExit(f"logits differ by {difference}, more than {TOLERANCE}")


if __name__ == "__main__":
    main()
