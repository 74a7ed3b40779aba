"""Writes a checkpoint folder as any Llama: `python -m recipe.stages.export --checkpoint RUN/decayed.pt --tokenizer DIR --out DIR`.

config.json, generation_config.json, model.safetensors (f16), tokenizer.json, tokenizer_config.json with the chat template,
and SHA256SUMS. What only our engine uses (sinks, anchor rule, memories) is the object "anchorage" in config.json.
Before it ends it reads the folder back and compares logits with an independent forward (reference.py) on seeded tokens.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from recipe.checkpoint import load_model, read
from recipe.config import home
from recipe.export.check import TOLERANCE, check
from recipe.export.folder import write_folder


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--checkpoint", type=Path, required=True)
    args.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    args.add_argument("--out", type=Path, required=True)
    args.add_argument(
        "--memory", type=Path, help="a checkpoint whose slots and transfer head to add: joint.py's sparse.pt"
    )
    args.add_argument("--dense", type=Path, help="slots of the lowest ratio to add beside them: joint.py's memory.pt")
    args.add_argument("--heads", type=Path, help="a tasks.py checkpoint whose vector head to add")
    args.add_argument("--selection", type=Path, help="a choosing.py checkpoint whose metric to add")
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
    write_folder(model, a.tokenizer, a.out, extra, tensors=tensors)
    difference = check(a.out)
    size = sum(p.stat().st_size for p in a.out.iterdir()) / 1e6
    print(json.dumps({"out": str(a.out), "megabytes": round(size, 2), "largest_logit_difference": difference}))
    if difference > TOLERANCE:
        raise SystemExit(f"logits differ by {difference}, more than {TOLERANCE}")


if __name__ == "__main__":
    main()
