"""Takes the tasks' weights part of the way back: `python -m recipe.stages.blend --base FILE --tasks RUN --out RUN --share S`.

The base of the tasks stage becomes share * (after the tasks) + (1 - share) * (before them), weight by weight (WiSE-FT, arXiv:2109.01903):
what long texts and plain language modelling lost comes back, and most of what the tasks taught stays. Heads and memories are
taken as they are. OUT can be judged by `tasks.py --run OUT --evaluate` and exported like any run.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

import torch

from recipe.checkpoint import read


def main(argv: list[str] | None = None) -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--base", type=Path, required=True, help="the checkpoint that the tasks started from")
    args.add_argument("--tasks", type=Path, required=True, help="run folder of the tasks")
    args.add_argument("--out", type=Path, required=True)
    args.add_argument("--share", type=float, default=0.75)
    a = args.parse_args(argv)
    before, state = read(a.base)["weights"], read(a.tasks / "last.pt")
    if before.keys() != state["weights"].keys():
        raise SystemExit(f"{a.base} and {a.tasks} hold different models")
    state["weights"] = {
        name: torch.lerp(before[name].float(), after.float(), a.share) for name, after in state["weights"].items()
    }
    a.out.mkdir(parents=True, exist_ok=True)
    for name in ("memory.pt", "heads.pt"):
        shutil.copyfile(a.tasks / name, a.out / name)
    torch.save(state, a.out / "last.new")
    os.replace(a.out / "last.new", a.out / "last.pt")


if __name__ == "__main__":
    main()
