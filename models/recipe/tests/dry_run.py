"""Every stage end to end with the "tiny" shape, on the recipe's own files: `python -m recipe.tests.dry_run`.

Shows that the commands fit together: each reads what the one before wrote. It does not show that anything is learnt well.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any, Callable

import torch

from recipe.eval import gradients, perplexity
from recipe.pipeline import flags
from recipe.stages import blend, export
from recipe.stages.anchors import Anchors
from recipe.stages.joint import TASKS, Joint
from recipe.stages.long_context import LongContext
from recipe.stages.memory import Memory
from recipe.stages.pretrain import Pretrain
from recipe.stages.tasks import Tasks
from recipe.stages.token_vectors import TokenVectors
from recipe.tasks.synthetic import synthetic
from recipe.tokens import store, tokenizer

RECIPE = Path(__file__).resolve().parents[1]
EXPORTED = ("config.json", "tokenizer.json", "SHA256SUMS") + tuple(
    f"{name}.safetensors" for name in ("model", "memory", "dense_memory", "token_vectors")
)


def write_corpus(out: Path) -> None:
    """The recipe's sources as a corpus of three splits."""
    files = [path for path in sorted(RECIPE.glob("*/*.py")) if path.stat().st_size > 4000]  # longer than a window
    out.mkdir(parents=True)
    for split, some in (("train", files[4:]), ("valid", files[:2]), ("test", files[2:4])):
        with gzip.open(out / f"{split}-0000.jsonl.gz", "wt", encoding="utf-8") as lines:
            for path in some:
                record = {"repo": "anchorage/recipe", "commit": "", "path": path.name, "language": "python"}
                lines.write(json.dumps({**record, "text": path.read_text()}) + "\n")


class DryRun:
    """The folder `at` holds everything that is read and written."""

    def __init__(self, at: Path):
        self.at, self.seconds = at, {}
        self.tokens = flags(tokens=at / "tokens")
        self.both = flags(tokens=at / "tokens", tokenizer=at / "tokenizer")
        self.functions = flags(functions=at / "functions.jsonl", held_out=at / "functions.jsonl")
        self.final = at / "joint/decayed"

    def call(self, name: str, main: Callable, *known: list[str], **more: Any):
        """Runs one command with known flags and more of them; notes its time."""
        started = time.time()
        result = main([argument for some in known for argument in some] + flags(**more))
        self.seconds[name] = round(time.time() - started, 1)
        return result

    def run(self) -> dict:
        torch.set_num_threads(1)
        self.data()
        self.pretraining()
        self.long_context()
        self.memories()
        self.tasks()
        self.joint()
        self.after_joint()
        self.export()
        return self.seconds

    def data(self) -> None:
        at = self.at
        write_corpus(at / "corpus")
        corpus = flags(corpus=at / "corpus")
        self.call("tokenizer", tokenizer.main, corpus, out=at / "tokenizer", vocab=512, per_language=1)
        self.call("tokens", store.main, corpus, tokenizer=at / "tokenizer", out=at / "tokens")
        made = synthetic(60)
        (at / "functions.jsonl").write_text("".join(json.dumps(record) + "\n" for record in made))

    def pretraining(self) -> None:
        known = self.tokens + flags(run=self.at / "pretrain", preset="tiny", batch=4, valid_rows=4, warmup=2)
        known += flags(no_compile=True)
        first = self.call("pretrain", Pretrain.main, known, steps=10)
        again = self.call("pretrain_resumed", Pretrain.main, known, steps=30)
        assert again["step"] == 30 and again["full"] < first["full"], "a resumed run did not go on learning"
        decayed = self.call("pretrain_decay", Pretrain.main, known, decay=10)
        assert math.isfinite(decayed["ansan"])
        checkpoint = self.at / "pretrain/decayed.pt"
        found = self.call("perplexity", perplexity.main, self.tokens, checkpoint=checkpoint, documents=2)
        assert found["full"][0] < found["untrained"][0], "training did not beat random weights"

    def long_context(self) -> None:
        known = self.tokens + flags(base=self.at / "pretrain/decayed.pt", window=256)
        short = flags(steps=3, batch=1)
        self.call("long_full", LongContext.main, known, short, run=self.at / "long-full", tune="full")
        factors = self.at / "long-full/rope_factors.json"
        self.call("long_lora", LongContext.main, known, short, run=self.at / "long", factors=factors)
        self.call("long_evaluate", LongContext.main, known, run=self.at / "long", evaluate=True, evaluate_rows=2)

    def memories(self) -> None:
        base, run = self.at / "long/merged.pt", self.at / "memory"
        known = self.both + flags(base=base, run=run, ratios=(32, 16, 8), lengths=(64, 48), batch=1, segments=4, rank=4)
        known += flags(beside=(32,), fresh=(16,))
        self.call("memory", Memory.main, known, steps=12)
        self.call("memory_evaluate", Memory.main, known, evaluate=True, evaluate_chains=4)
        sizes = flags(segments=4, length=32, sizes=(1,), draws=4)
        self.call("gradients", gradients.main, self.tokens, sizes, base=base, memory=run / "last.pt")

    def tasks(self) -> None:
        at = self.at
        known = self.functions + flags(tokenizer=at / "tokenizer", run=at / "token_vectors", batch=32, check_steps=10)
        self.call("token_vectors", TokenVectors.main, known, steps=20)
        self.call("token_vectors_resumed", TokenVectors.main, known, steps=40)
        found = self.call("token_vectors_evaluate", TokenVectors.main, known, evaluate=True)
        assert found["mrr"][0] > 0.2, "pairs that were trained on are not found again"

        known = self.task_flags()
        self.call("tasks", Tasks.main, known, run=at / "tasks", steps=16)
        self.call("tasks_resumed", Tasks.main, known, run=at / "tasks", steps=18)
        self.call("tasks_evaluate", Tasks.main, known, run=at / "tasks", evaluate=True, known=20, gists=4)
        self.call("blend", blend.main, base=at / "long/merged.pt", tasks=at / "tasks", out=at / "blend")

    def task_flags(self) -> list[str]:
        at = self.at
        started = flags(base=at / "long/merged.pt", memory=at / "memory/last.pt")
        return [*self.both, *self.functions, *started, *flags(ratios=(32, 8), batch=4)]

    def joint(self) -> None:
        at, shares = self.at, (1,) * len(TASKS)
        known = self.both + flags(init=at / "blend/last.pt", functions=at / "functions.jsonl", run=at / "joint", rows=4)
        known += flags(farthest_share=0.2, segment=32, ratios=(32, 16, 8), task_shares=shares, identifiers=200)
        self.call("joint", Joint.main, known, steps=16)
        self.call("joint_resumed", Joint.main, known, steps=18)
        self.call("joint_decay", Joint.main, known, decay_minutes=0.05)
        found = self.call("joint_tasks", Tasks.main, self.task_flags(), run=self.final, evaluate=True, known=20, gists=4)
        assert set(found["gist"]) == {"rows", "memories_8", "nearest"}
        known = self.both + flags(base=self.final / "last.pt", state=self.final / "sparse.pt", ratios=(32, 16))
        known += flags(run=at / "memory", lengths=(64, 48), beside=(32,), fresh=(16,))
        self.call("joint_memory", Memory.main, known, evaluate=True, evaluate_chains=4)

    def after_joint(self) -> None:
        at, base = self.at, flags(base=self.final / "last.pt")
        known = self.both + base + flags(state=self.final / "sparse.pt")
        known += flags(run=at / "anchors", ratios=(32, 16), segment=32, rows=256, minutes=0)
        self.call("anchors", Anchors.main, known, steps=4)
        self.call("anchors_resumed", Anchors.main, known, steps=6)

    def export(self) -> None:
        at, final = self.at, self.final
        known = flags(checkpoint=final / "last.pt", memory=at / "anchors/sparse.pt", dense=final / "memory.pt")
        known += flags(token_vectors=at / "token_vectors/last.pt", tokenizer=at / "tokenizer")
        self.call("export", export.main, known, out=at / "model")
        for name in EXPORTED:
            assert (at / "model" / name).stat().st_size > 0, name
        # An exported folder is a checkpoint: another run can start from it.
        run = self.tokens + flags(run=at / "again", init=at / "model", batch=2, valid_rows=2, no_compile=True)
        self.call("pretrain_from_export", Pretrain.main, run, steps=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="leave the outputs in this folder (default: a temporary one)")
    a = parser.parse_args()
    started = time.time()
    if a.keep:
        seconds = DryRun(a.keep).run()
    else:
        with tempfile.TemporaryDirectory() as folder:
            seconds = DryRun(Path(folder)).run()
    print(json.dumps({"dry_run": "ok", "seconds": round(time.time() - started, 1), "stages": seconds}))


if __name__ == "__main__":
    main()
