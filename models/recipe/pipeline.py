"""Every training stage in one go, within minutes: `python -m recipe.pipeline --minutes 60 --functions FILE.jsonl --out DIR`.

Tokens and tokenizer must be there. The minutes are shared out over the stages (PLAN); a stage that finds its run folder from
before goes on from there, so the same command again continues: stages done are marked in H/runs/all.json and not repeated.
Each stage is a process of its own: a crash of one leaves the others' work.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from recipe.config import PRESETS, home

HERE = Path(__file__).resolve().parent
PLAN = {
    "pretrain": 0.36,
    "decay": 0.06,
    "long": 0.06,
    "memory": 0.06,
    "tasks": 0.08,
    "joint": 0.15,
    "joint_decay": 0.13,
    "anchors": 0.02,
}  # the rest is for judging and export


def commands(a: argparse.Namespace, runs: Path) -> dict[str, list]:
    """Stage -> script and arguments."""
    minutes = {k: round(v * a.minutes, 2) for k, v in PLAN.items()}
    tokens, texts = ["--tokens", a.tokens], ["--tokenizer", a.tokenizer]
    pretrain = [
        "recipe.stages.pretrain",
        *tokens,
        "--run",
        runs / "pretrain",
        "--preset",
        a.preset,
        "--batch",
        a.batch,
        "--accumulate",
        a.accumulate,
        "--chunk",
        a.chunk,
        "--lr",
        a.lr,
        "--valid-rows",
        a.batch,
        *(["--init", a.init] if a.init else []),
        *(["--no-compile"] if a.no_compile else []),
    ]
    base, long = runs / "pretrain/decayed.pt", runs / "long/merged.pt"
    small = max(2, a.batch // 8)
    stretch = [
        "recipe.stages.long_context",
        "--base",
        base,
        *tokens,
        "--run",
        runs / "long",
        "--batch",
        max(1, a.batch // 16),
        *(["--factors", a.factors] if a.factors else []),
    ]
    remember = ["recipe.stages.memory", "--base", long, *tokens, *texts, "--run", runs / "memory", "--batch", small]
    known = [
        *(["--functions", a.functions] if a.functions else []),
        *(["--held-out", a.held_out] if a.held_out else []),
    ]
    words = ["recipe.stages.token_vectors", *texts, *known, "--run", runs / "token_vectors"]
    ask = [
        "recipe.stages.tasks",
        "--base",
        long,
        "--token-vectors",
        runs / "token_vectors/last.pt",
        "--memory",
        runs / "memory/last.pt",
        *tokens,
        *texts,
        "--run",
        runs / "tasks",
        "--lr",
        3e-4,
        "--shares",
        0.22,
        0,
        0.30,
        0.03,
        0.02,
        0.13,  # vectors: the tokens' alone
        "--batch",
        small * 4,
        *known,
        *(["--commits", a.commits] if a.commits else []),
    ]
    every = [
        "recipe.stages.joint",
        "--init",
        runs / "tasks/last.pt",
        *tokens,
        *texts,
        "--functions",
        a.functions,
        "--run",
        runs / "joint",
        "--rows",
        small * 4,
    ]
    final = runs / "joint/decayed"
    return {
        "pretrain": [*pretrain, "--minutes", minutes["pretrain"]],
        "decay": [*pretrain, "--decay-minutes", minutes["decay"]],
        "evaluate": ["recipe.eval.perplexity", "--checkpoint", base, *tokens, "--log", runs / "figures.jsonl"],
        "long": [*stretch, "--steps", 0, "--minutes", minutes["long"]],
        "long_evaluate": [*stretch, "--evaluate"],
        "memory": [*remember, "--steps", 0, "--minutes", minutes["memory"]],
        "memory_evaluate": [*remember, "--evaluate"],
        "gradients": ["recipe.eval.gradients", "--base", long, "--memory", runs / "memory/last.pt", *tokens],
        "token_vectors": [*words],
        "token_vectors_evaluate": [*words, "--evaluate"],
        "tasks": [*ask, "--steps", 0, "--minutes", minutes["tasks"]],
        "joint": [*every, "--minutes", minutes["joint"]],
        "joint_decay": [*every, "--decay-minutes", minutes["joint_decay"]],
        "anchors": [
            "recipe.stages.anchors",
            "--base",
            final / "last.pt",
            "--state",
            final / "sparse.pt",
            *tokens,
            *texts,
            "--functions",
            a.functions,
            "--run",
            runs / "anchors",
            "--minutes",
            minutes["anchors"],
        ],
        "choosing": [
            "recipe.stages.selection",
            "--base",
            final / "last.pt",
            *tokens,
            *texts,
            *known,
            "--run",
            runs / "choosing",
        ],
        "joint_evaluate": [
            "recipe.eval.perplexity",
            "--checkpoint",
            final / "last.pt",
            *tokens,
            "--length",
            3900,
            "--recent",
            164,
            "--log",
            runs / "figures.jsonl",
        ],
        "joint_memory": [
            *remember,
            "--base",
            final / "last.pt",
            "--state",
            runs / "anchors/sparse.pt",
            "--ratios",
            256,
            32,
            "--evaluate",
        ],
        "joint_dense_memory": [
            *remember,
            "--base",
            final / "last.pt",
            "--state",
            final / "memory.pt",
            "--ratios",
            8,
            "--evaluate",
        ],
        "tasks_evaluate": [*ask, "--run", final, "--evaluate"],
        "export": [
            "recipe.stages.export",
            "--checkpoint",
            final / "last.pt",
            "--memory",
            runs / "anchors/sparse.pt",
            "--dense",
            final / "memory.pt",
            "--heads",
            final / "heads.pt",
            "--selection",
            runs / "choosing/last.pt",
            *texts,
            "--out",
            a.out,
        ],
    }


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--minutes", type=float, required=True)
    args.add_argument("--out", type=Path, required=True)
    args.add_argument("--home", type=Path, default=home())
    args.add_argument("--tokens", type=Path, default=home() / "tokens")
    args.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    args.add_argument("--functions", type=Path, required=True)
    args.add_argument("--held-out", type=Path)
    args.add_argument("--commits", type=Path)
    args.add_argument("--factors", type=Path)
    args.add_argument("--init", type=Path, help="weights to start pretraining from")
    args.add_argument("--preset", choices=PRESETS, default="19m")
    args.add_argument("--batch", type=int, default=128)
    args.add_argument("--accumulate", type=int, default=1)
    args.add_argument("--chunk", type=int, default=8192)
    args.add_argument("--lr", type=float, default=3e-3)
    args.add_argument("--no-compile", action="store_true")
    args.add_argument("--only", nargs="+", help="these stages alone, done or not")
    a = args.parse_args()
    runs = a.home / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    marks = runs / "all.json"
    done = json.loads(marks.read_text()) if marks.exists() else {}
    for stage, command in commands(a, runs).items():
        if (stage in done) if not a.only else (stage not in a.only):
            continue
        started = time.time()
        print(f"== {stage}", flush=True)
        status = subprocess.run([sys.executable, "-m", command[0], *map(str, command[1:])], cwd=HERE.parent).returncode
        if status != 0:
            raise SystemExit(f"{stage} ended with {status}; the same command goes on from here")
        done[stage] = round(time.time() - started, 1)
        marks.write_text(json.dumps(done, indent=1) + "\n")
    print(json.dumps({"out": str(a.out), "seconds": done}))


if __name__ == "__main__":
    main()
