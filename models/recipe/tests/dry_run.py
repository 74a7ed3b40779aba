"""Every stage end to end with the "tiny" shape on the recipe's own files: `python models/recipe/dry_run.py`.

Proves that the commands fit together (each reads what the one before wrote), not that anything is learned well.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import sys
import tempfile
import time
from pathlib import Path

import torch

from recipe.eval import gradients
from recipe.eval import perplexity as evaluate
from recipe.stages import anchors, blend, export, joint, memory, pretrain, tasks, token_vectors
from recipe.stages import long_context as longcontext
from recipe.stages import selection as choosing
from recipe.tasks.synthetic import synthetic
from recipe.tokens import store as data
from recipe.tokens import tokenizer


def corpus(out: Path) -> None:
    """The recipe's sources as a corpus of three splits."""
    files = sorted(Path(__file__).resolve().parents[1].glob("*/*.py"))
    out.mkdir(parents=True)
    for split, some in (("train", files[4:]), ("valid", files[:2]), ("test", files[2:4])):
        with gzip.open(out / f"{split}-0000.jsonl.gz", "wt", encoding="utf-8") as lines:
            for path in some:
                lines.write(
                    json.dumps(
                        {
                            "repo": "anchorage/recipe",
                            "commit": "",
                            "path": path.name,
                            "language": "python",
                            "text": path.read_text(),
                        }
                    )
                    + "\n"
                )


def call(name: str, main, argv: list, timings: dict):
    started = time.time()
    old, sys.argv = sys.argv, [name, *map(str, argv)]
    try:
        result = main()
    finally:
        sys.argv = old
    timings[name] = round(time.time() - started, 1)
    return result


def run(at: Path) -> dict:
    timings: dict = {}
    torch.set_num_threads(1)
    corpus(at / "corpus")
    call(
        "tokenizer",
        tokenizer.main,
        ["--corpus", at / "corpus", "--out", at / "tokenizer", "--vocab", 512, "--per-language", 1],
        timings,
    )
    call(
        "data", data.main, ["--corpus", at / "corpus", "--tokenizer", at / "tokenizer", "--out", at / "tokens"], timings
    )
    common = ["--tokens", at / "tokens"]
    steady = [
        "--preset",
        "tiny",
        "--batch",
        4,
        "--valid-rows",
        4,
        "--no-compile",
        "--warmup",
        2,
        "--run",
        at / "pretrain",
        *common,
    ]
    first = call("pretrain", pretrain.main, [*steady, "--steps", 10], timings)
    again = call("pretrain_resumed", pretrain.main, [*steady, "--steps", 30], timings)
    assert again["step"] == 30 and again["full"] < first["full"], "a resumed run did not go on learning"
    decayed = call("pretrain_decay", pretrain.main, [*steady, "--decay", 10], timings)
    assert math.isfinite(decayed["ansan"])
    base = at / "pretrain/decayed.pt"
    scores = call("evaluate", evaluate.main, ["--checkpoint", base, "--documents", 2, *common], timings)
    assert scores["full"][0] < scores["untrained"][0], "training did not beat random weights"
    for tune, factors in (("full", []), ("lora+", ["--factors", at / "long-full/rope_factors.json"])):
        call(
            f"longcontext_{tune}",
            longcontext.main,
            [
                "--base",
                base,
                "--run",
                at / f"long-{tune}",
                "--window",
                256,
                "--tune",
                tune,
                "--steps",
                3,
                "--batch",
                1,
                *factors,
                *common,
            ],
            timings,
        )
    long = at / "long-lora+"
    call(
        "longcontext_evaluate",
        longcontext.main,
        ["--base", base, "--run", long, "--window", 256, "--evaluate", "--evaluate-rows", 2, *common],
        timings,
    )
    remember = [
        "--base",
        long / "merged.pt",
        "--tokenizer",
        at / "tokenizer",
        "--run",
        at / "memory",
        "--ratios",
        32,
        16,
        8,
        "--lengths",
        64,
        48,
        "--batch",
        1,
        "--segments",
        4,
        "--rank",
        4,
        "--beside",
        32,
        "--fresh",
        16,
        *common,
    ]
    call("memory", memory.main, [*remember, "--steps", 12], timings)
    call("memory_evaluate", memory.main, [*remember, "--evaluate", "--evaluate-chains", 4], timings)
    call(
        "gradients",
        gradients.main,
        [
            "--base",
            long / "merged.pt",
            "--memory",
            at / "memory/last.pt",
            "--segments",
            4,
            "--length",
            32,
            "--sizes",
            1,
            "--draws",
            4,
            *common,
        ],
        timings,
    )
    (at / "functions.jsonl").write_text("".join(json.dumps(f) + "\n" for f in synthetic(60)))
    (at / "commits.jsonl").write_text(
        "".join(
            json.dumps({"repo": f["repo"], "commit": "", "subject": f"Fix {f['name']}", "paths": [f["path"]]}) + "\n"
            for f in synthetic(60)
        )
    )
    token_run = [
        "--functions",
        at / "functions.jsonl",
        "--held-out",
        at / "functions.jsonl",
        "--tokenizer",
        at / "tokenizer",
        "--run",
        at / "token_vectors",
        "--batch",
        32,
        "--minutes",
        0,
        "--check-steps",
        10,
    ]
    call("token_vectors", token_vectors.main, [*token_run, "--steps", 20], timings)
    call("token_vectors_resumed", token_vectors.main, [*token_run, "--steps", 40], timings)
    known = call("token_vectors_evaluate", token_vectors.main, [*token_run, "--evaluate"], timings)
    assert known["mrr"][0] > 0.2, "pairs that were trained on are not found again"
    ask = [
        "--base",
        long / "merged.pt",
        "--token-vectors",
        at / "token_vectors/last.pt",
        "--memory",
        at / "memory/last.pt",
        "--functions",
        at / "functions.jsonl",
        "--commits",
        at / "commits.jsonl",
        "--tokenizer",
        at / "tokenizer",
        "--run",
        at / "tasks",
        "--ratios",
        32,
        8,
        "--batch",
        4,
        *common,
    ]
    call("tasks", tasks.main, [*ask, "--steps", 16], timings)
    call("tasks_resumed", tasks.main, [*ask, "--steps", 18], timings)
    call("tasks_evaluate", tasks.main, [*ask, "--evaluate", "--pool", 20, "--questions", 4], timings)
    call("blend", blend.main, ["--base", long / "merged.pt", "--tasks", at / "tasks", "--out", at / "blend"], timings)
    every = [
        "--init",
        at / "blend/last.pt",
        "--functions",
        at / "functions.jsonl",
        "--tokenizer",
        at / "tokenizer",
        "--run",
        at / "joint",
        "--rows",
        4,
        "--farthest-share",
        0.2,
        "--segment",
        32,
        "--ratios",
        32,
        16,
        8,
        "--lesson-shares",
        *[1] * len(joint.LESSONS),
        *common,
    ]
    call("joint", joint.main, [*every, "--steps", 16], timings)
    call("joint_resumed", joint.main, [*every, "--steps", 18], timings)
    call("joint_decay", joint.main, [*every, "--decay-minutes", 0.05], timings)
    final = at / "joint/decayed"
    call("joint_tasks", tasks.main, [*ask, "--run", final, "--evaluate", "--pool", 20, "--questions", 4], timings)
    call(
        "joint_memory",
        memory.main,
        [
            *remember,
            "--base",
            final / "last.pt",
            "--state",
            final / "sparse.pt",
            "--ratios",
            32,
            16,
            "--evaluate",
            "--evaluate-chains",
            4,
        ],
        timings,
    )
    both = [
        "--base",
        final / "last.pt",
        "--state",
        final / "sparse.pt",
        "--functions",
        at / "functions.jsonl",
        "--tokenizer",
        at / "tokenizer",
        "--run",
        at / "anchors",
        "--ratios",
        32,
        16,
        "--segment",
        32,
        "--rows",
        256,
        "--minutes",
        0,
        *common,
    ]
    call("anchors", anchors.main, [*both, "--steps", 4], timings)
    call("anchors_resumed", anchors.main, [*both, "--steps", 6], timings)
    chosen = call(
        "choosing",
        choosing.main,
        [
            "--base",
            final / "last.pt",
            "--functions",
            at / "functions.jsonl",
            "--held-out",
            at / "functions.jsonl",
            "--tokenizer",
            at / "tokenizer",
            "--run",
            at / "choosing",
            "--pairs",
            100,
            "--pool",
            50,
            "--batch",
            64,
            "--steps",
            60,
            *common,
        ],
        timings,
    )
    assert chosen["functions"]["mrr"][0] > 0.2, "pairs that were trained on are not found again"
    call(
        "export",
        export.main,
        [
            "--checkpoint",
            final / "last.pt",
            "--memory",
            at / "anchors/sparse.pt",
            "--dense",
            final / "memory.pt",
            "--heads",
            final / "heads.pt",
            "--selection",
            at / "choosing/last.pt",
            "--tokenizer",
            at / "tokenizer",
            "--out",
            at / "model",
        ],
        timings,
    )
    for name in (
        "config.json",
        "model.safetensors",
        "memory.safetensors",
        "dense_memory.safetensors",
        "heads.safetensors",
        "selection.safetensors",
        "tokenizer.json",
        "SHA256SUMS",
    ):
        assert (at / "model" / name).stat().st_size > 0, name
    return timings


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--keep", type=Path, help="leave the outputs in this folder (default: a temporary one)")
    a = args.parse_args()
    started = time.time()
    if a.keep:
        timings = run(a.keep)
    else:
        with tempfile.TemporaryDirectory() as folder:
            timings = run(Path(folder))
    print(json.dumps({"dry_run": "ok", "seconds": round(time.time() - started, 1), "stages": timings}))


if __name__ == "__main__":
    main()
