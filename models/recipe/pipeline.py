"""Every training stage in one go, within a number of minutes.

    python -m recipe.pipeline --minutes 60 --functions DIR --held-out DIR --out DIR

Tokens and tokenizer must be there. PLAN shares the minutes out. Each stage is a process of its own, so a crash of one
leaves the others' work. Stages that are done are marked in H/runs/all.json and not repeated, and a stage that was
interrupted resumes: the same command again goes on where it ended.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from recipe.config import PRESETS, home

# Share of the minutes of each stage; the rest is for measuring and the export.
PLAN = {
    "pretrain": 0.36,
    "decay": 0.06,
    "long": 0.06,
    "memory": 0.06,
    "tasks": 0.08,
    "joint": 0.15,
    "joint_decay": 0.13,
    "anchors": 0.02,
}
TASK_SHARES = (0.22, 0.30, 0.03, 0.02, 0.13)


def flags(**values: Any) -> list[str]:
    """Keyword arguments as command-line flags. None and False are left out, True is the flag alone, a tuple many values."""
    found: list[str] = []
    for name, value in values.items():
        if value is None or value is False:
            continue
        found.append("--" + name.replace("_", "-"))
        if isinstance(value, (tuple, list)):
            found += map(str, value)
        elif value is not True:
            found.append(str(value))
    return found


def commands(a: argparse.Namespace, runs: Path) -> dict[str, list[str]]:
    """Stage -> module and arguments, in order."""
    minutes = {stage: round(share * a.minutes, 2) for stage, share in PLAN.items()}
    base, long, final = runs / "pretrain/decayed.pt", runs / "long/merged.pt", runs / "joint/decayed"
    small = max(2, a.batch // 8)
    text, both = flags(tokens=a.tokens), flags(tokens=a.tokens, tokenizer=a.tokenizer)
    functions = flags(functions=a.functions, held_out=a.held_out)

    pretrain = ["recipe.stages.pretrain", *text, *flags(run=runs / "pretrain", preset=a.preset, init=a.init, lr=a.lr)]
    pretrain += flags(
        batch=a.batch, accumulate=a.accumulate, chunk=a.chunk, valid_rows=a.batch, no_compile=a.no_compile
    )
    extend = ["recipe.stages.long_context", *text, *flags(base=base, run=runs / "long", factors=a.factors)]
    extend += flags(batch=max(1, a.batch // 16))
    memory = ["recipe.stages.memory", *both, *flags(base=long, run=runs / "memory", batch=small)]
    vectors = ["recipe.stages.token_vectors", *functions, *flags(tokenizer=a.tokenizer, run=runs / "token_vectors")]
    tasks = ["recipe.stages.tasks", *both, *functions, *flags(base=long, memory=runs / "memory/last.pt")]
    tasks += flags(shares=TASK_SHARES, lr=3e-4, batch=small * 4)
    tasks += flags(run=runs / "tasks")
    joint = ["recipe.stages.joint", *both, *flags(init=runs / "tasks/last.pt", functions=a.functions)]
    joint += flags(run=runs / "joint", rows=small * 4)
    anchors = ["recipe.stages.anchors", *both, *flags(base=final / "last.pt", state=final / "sparse.pt")]
    anchors += flags(run=runs / "anchors", minutes=minutes["anchors"])
    perplexity = ["recipe.eval.perplexity", *text, *flags(log=runs / "figures.jsonl")]
    gradients = ["recipe.eval.gradients", *text, *flags(base=long, memory=runs / "memory/last.pt")]
    export = ["recipe.stages.export", *flags(checkpoint=final / "last.pt", tokenizer=a.tokenizer, out=a.out)]
    export += flags(memory=runs / "anchors/sparse.pt", dense=final / "memory.pt")
    export += flags(token_vectors=runs / "token_vectors/last.pt")

    final_memory = [*memory, *flags(base=final / "last.pt", evaluate=True)]
    return {
        "pretrain": [*pretrain, *flags(minutes=minutes["pretrain"])],
        "decay": [*pretrain, *flags(decay_minutes=minutes["decay"])],
        "evaluate": [*perplexity, *flags(checkpoint=base)],
        "long": [*extend, *flags(steps=0, minutes=minutes["long"])],
        "long_evaluate": [*extend, *flags(evaluate=True)],
        "memory": [*memory, *flags(steps=0, minutes=minutes["memory"])],
        "memory_evaluate": [*memory, *flags(evaluate=True)],
        "gradients": gradients,
        "token_vectors": vectors,
        "token_vectors_evaluate": [*vectors, *flags(evaluate=True)],
        "tasks": [*tasks, *flags(steps=0, minutes=minutes["tasks"])],
        "joint": [*joint, *flags(minutes=minutes["joint"])],
        "joint_decay": [*joint, *flags(decay_minutes=minutes["joint_decay"])],
        "anchors": anchors,
        "joint_evaluate": [*perplexity, *flags(checkpoint=final / "last.pt", length=3900, recent=164)],
        "joint_memory": [*final_memory, *flags(state=runs / "anchors/sparse.pt", ratios=(256, 32))],
        "joint_dense_memory": [*final_memory, *flags(state=final / "memory.pt", ratios=(8,))],
        "tasks_evaluate": [*tasks, *flags(run=final, evaluate=True)],
        "export": export,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the exported folder")
    parser.add_argument("--home", type=Path, default=home())
    parser.add_argument("--tokens", type=Path, default=home() / "tokens")
    parser.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    parser.add_argument("--functions", type=Path, required=True)
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--factors", type=Path)
    parser.add_argument("--init", type=Path, help="weights to start pretraining from")
    parser.add_argument("--preset", choices=PRESETS, default="19m")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--chunk", type=int, default=8192)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--only", nargs="+", help="these stages alone, done or not")
    a = parser.parse_args()
    runs = a.home / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    marks = runs / "all.json"
    done = json.loads(marks.read_text()) if marks.exists() else {}
    for stage, (module, *arguments) in commands(a, runs).items():
        if stage not in a.only if a.only else stage in done:
            continue
        started = time.time()
        print(f"== {stage}", flush=True)
        status = subprocess.run([sys.executable, "-m", module, *arguments]).returncode
        if status != 0:
            raise SystemExit(f"{stage} ended with status {status}; the same command goes on from here")
        done[stage] = round(time.time() - started, 1)
        marks.write_text(json.dumps(done, indent=1) + "\n")
    print(json.dumps({"out": str(a.out), "seconds": done}))


if __name__ == "__main__":
    main()
