"""Takes the weights of the tasks stage a part of the way back (WiSE-FT, arXiv:2109.01903).

    python -m recipe.stages.blend --base FILE --tasks RUN --out RUN --share S

The base becomes share * (after the tasks) + (1 - share) * (before them), weight by weight. Long texts and plain language
modelling regain their loss, and most of what the tasks taught stays. Memory tokens stay as they are.
OUT is a run folder like that of the tasks stage.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from recipe.checkpoint import read, write


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="the checkpoint that the tasks started from")
    parser.add_argument("--tasks", type=Path, required=True, help="run folder of the tasks")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.75)
    a = parser.parse_args(argv)
    before, state = read(a.base)["weights"], read(a.tasks / "last.pt")
    if before.keys() != state["weights"].keys():
        raise SystemExit(f"{a.base} and {a.tasks} hold different models")
    mixed = {name: before[name].float().lerp(after.float(), a.share) for name, after in state["weights"].items()}
    a.out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(a.tasks / "memory.pt", a.out / "memory.pt")
    write(a.out / "last.pt", {**state, "weights": mixed})


if __name__ == "__main__":
    main()
