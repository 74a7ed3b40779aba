"""Stage 3: memory tokens, a few learned rows for a whole segment of text.

    python -m recipe.stages.memory --base RUN/decayed.pt --tokens DIR --tokenizer DIR --run DIR

The base is frozen. The stage trains the vector that memory tokens start with, their low-rank changes and the transfer
head. Each step draws a task: continuing a chain of segments from the memory tokens of its past (incremental
back-propagation), auto-encoding (<|repeat|> and the memory tokens give the text again), copying random keys, or
answering a question about a needle.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from recipe.checkpoint import load_model, save
from recipe.config import home
from recipe.eval.memories import MemoryEvaluation
from recipe.export.memory import memory_part
from recipe.model.memory_slots import SINKS, restored
from recipe.model.optimizers import Optimizer
from recipe.stage import Stage, drawn
from recipe.tasks.chains import chain
from recipe.tasks.keys import KeyMaker
from recipe.tasks.memory_gradients import continuation_gradient, recall_loss, repeat_loss
from recipe.tasks.needles import NeedleMaker
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import Tokens

TASKS = ("continue", "repeat", "copy", "needle")


class Memory(Stage):
    name = "memory"
    defaults = {"steps": 2000}

    @classmethod
    def arguments(cls, parser) -> None:
        add = parser.add_argument
        add("--base", type=Path, default=home() / "runs/pretrain/decayed.pt")
        add("--ratios", type=int, nargs="+", default=[256, 32, 8], help="text tokens a memory token")
        add("--lengths", type=int, nargs="+", default=[256, 128, 64], help="rows of a segment, one drawn a step")
        add("--segments", type=int, default=8, help="segments of a chain, at most")
        add("--window", type=int, help="rows of a context (default: the base's window)")
        add("--reservoir", type=int, default=2, help="S; 0 keeps every graph (full back-propagation)")
        add("--biased", action="store_true", help="leave out the compensating factor")
        add("--shares", type=float, nargs=len(TASKS), default=(0.6, 0.25, 0.15, 0.0), help=f"of {TASKS}")
        add("--rank", type=int, default=32)
        add("--everywhere", action="store_true", help="ablation: the low-rank changes at all rows of the encoder")
        add("--no-transfer", action="store_true", help="ablation: memory rows by the base's own keys and values")
        add("--in-place", action="store_true", help="memory tokens in place of the last token of their share (new run)")
        add("--no-spans", action="store_true", help="ablation: every memory token starts with the same vector")
        add("--batch", type=int, default=4, help="chains a step")
        add("--evaluate-chains", type=int, default=64)
        add(
            "--beside",
            type=int,
            nargs="*",
            default=[64, 256, 512],
            help="raw rows that memory tokens are measured with",
        )
        add(
            "--fresh", type=int, nargs="*", default=[128, 512], help="measured tokens of files that are not encoded yet"
        )
        add("--state", type=Path, help="memory tokens to measure, or to start a new run from (default: RUN/last.pt)")
        add("--part", choices=("memory", "dense_memory"), default="memory", help="the exported file they belong to")

    def source(self) -> Path | None:
        return self.options.state or super().source()

    def open_base(self):
        return load_model(self.options.base)

    def build(self) -> None:
        a = self.options
        state = self.state or {"rank": a.rank, "in_place": a.in_place, "weights": {}}
        ablations = {"everywhere": a.everywhere, "transfer": not a.no_transfer}
        self.model = restored(self.open_base(), state, **ablations).to(self.device)
        self.config = self.model.base.config
        if a.no_spans or a.in_place:
            self.model.span_gain.requires_grad_(False)
        elif not self.state:
            self.model.weigh_spans(Tokens(a.tokens, "train").counts(self.config.vocab_size))
        self.optimizer = Optimizer.of(self.model, a.lr, "adamw", weight_decay=0.0)
        self.window = a.window or self.model.base.window
        self.keys = KeyMaker(Encoder(a.tokenizer))

    def begin(self) -> dict:
        a = self.options
        self.tokens = Tokens(a.tokens, "train")
        if a.shares[TASKS.index("copy")] or a.shares[TASKS.index("needle")]:
            self.keys.read_identifiers(self.tokens, 6000)
        self.needles = NeedleMaker(self.keys)
        trained = sum(p.numel() for p in self.optimizer.params)
        gradient = {"reservoir": a.reservoir, "biased": a.biased}
        return {"base": str(a.base), "window": self.window, "parameters": trained, **gradient}

    def gradients(self) -> None:
        a, rng = self.options, self.rng
        task = drawn(TASKS, a.shares, rng)
        ratio, length = int(rng.choice(a.ratios)), int(rng.choice(a.lengths))
        if task == "continue":
            self._continue(ratio, length)
            return
        if rng.random() < 0.7:
            ratio = min(a.ratios)
        if task == "repeat":
            ids = chain(self.tokens, rng, a.batch * 2, 1, length, False).ids[:, 0].to(self.device)
            loss = repeat_loss(self.model, ids, ratio, self.device)
        else:
            made = (self._copied if task == "copy" else self._needles)(length)
            loss = recall_loss(self.model, made.to(self.device), ratio, self.device)
        self.learn(f"{task}_{ratio}", loss)

    def _continue(self, ratio: int, length: int) -> None:
        a, rows = self.options, max(1, -(-length // ratio))
        count = max(2, min(a.segments, (self.window - SINKS - length) // rows + 1))
        data = chain(self.tokens, self.rng, a.batch, count, length, anchors=bool(self.rng.random() < 0.5))
        draws = random.Random(a.seed * 1_000_003 + self.step)
        compensate = not a.biased
        loss = continuation_gradient(
            self.model, data.to(self.device), ratio, a.reservoir, draws, compensate, self.device
        )
        self.record(f"continue_{ratio}", loss)

    def _copied(self, length: int):
        rng, count = self.rng, int(self.rng.integers(1, 3))
        lines, value_tokens = (
            max(1, length // int(rng.choice((20, 32, 256)))),
            int(rng.choice((1, 2, 3, 3, 4, 5, 5, 6))),
        )
        return self.keys.batch(self.tokens, rng, self.options.batch * 2, count, length, lines, value_tokens)

    def _needles(self, length: int):
        rng, count = self.rng, int(self.rng.integers(1, 3))
        lines = int(rng.integers(1, max(1, min(8, length * count // 24)) + 1))
        batch = self.options.batch * 2
        return self.needles.batch(self.tokens, rng, batch, count, length, lines, several=0.2, turns=lines)

    def evaluate(self) -> dict:
        a, length = self.options, max(self.options.lengths)
        test = Tokens(a.tokens, "test")
        self.keys.read_identifiers(test)
        measure = MemoryEvaluation(self.model, test, self.keys, length, self.window, a.evaluate_chains, self.device)
        report = measure.report(a.ratios)
        middle = sorted(a.ratios)[(len(a.ratios) - 1) // 2]
        segments = min(15, self.window // length - 1)
        report["beside"] = [measure.beside_rows(middle, segments, recent) for recent in a.beside]
        report["new_files"] = [measure.beside_rows(middle, segments, 0, fresh=fresh) for fresh in a.fresh]
        return report

    def save(self) -> None:
        a, model = self.options, self.model
        # An encoder changed at every row cannot be exported: the engine's rows are the base's.
        part = None if a.everywhere else memory_part(model, a.ratios, max(a.lengths), a.part)
        shape = {"rank": model.rank, "in_place": model.in_place}
        save(self.last, model.trained(), self.config, export=part, **shape, **self.progress())


if __name__ == "__main__":
    print(json.dumps(Memory.main()))
