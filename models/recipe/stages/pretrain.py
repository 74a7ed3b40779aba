"""Stage 1: next-token prediction under a mix of attention masks.

    python -m recipe.stages.pretrain --tokens DIR --run DIR

`--init FILE` starts a new run from weights alone, of a checkpoint or an exported folder. The learning rate stays at its
peak. `--decay N` reads RUN/last.pt, anneals it for N steps and writes RUN/decayed.pt. It leaves last.pt as it was, so
the stable run can go on.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from recipe.checkpoint import load_model, save
from recipe.config import PRESETS
from recipe.eval.validation import held_out, validate
from recipe.machine import compiled
from recipe.model.optimizers import Optimizer
from recipe.model.transformer import Llama, parameter_count
from recipe.schedule import Stable
from recipe.stage import Stage
from recipe.tasks.text import batch_loss
from recipe.tokens.rows import KINDS, SHARES, Stream, prefetch
from recipe.tokens.store import Tokens


class Pretrain(Stage):
    name = "pretrain"
    schedule_type = Stable
    defaults = {"lr": 3e-3}
    data = ("tokens",)

    @classmethod
    def arguments(cls, parser) -> None:
        parser.add_argument("--init", type=Path, help="weights to start from when RUN/last.pt is not there")
        parser.add_argument("--preset", choices=PRESETS, default="8m")
        parser.add_argument("--vocab", type=int, help="vocabulary size, in place of the preset's")
        parser.add_argument("--batch", type=int, default=16, help="rows per micro-batch")
        parser.add_argument("--accumulate", type=int, default=1, help="micro-batches per step")
        parser.add_argument("--seq", type=int, help="tokens per row (default: the preset's window)")
        parser.add_argument("--chunk", type=int, default=512, help="rows of logits held at once (raise on a GPU)")
        parser.add_argument("--optimizer", choices=("muon", "adamw"), default="muon")
        parser.add_argument("--shares", type=float, nargs=len(KINDS), default=SHARES, metavar="S", help=f"of {KINDS}")
        parser.add_argument("--valid-steps", type=int, default=200, help="steps between two validations")
        parser.add_argument("--valid-rows", type=int, default=32)
        parser.add_argument("--no-compile", action="store_true")

    def build(self) -> None:
        a = self.options
        if self.state:
            self.model = load_model(self.last)
        elif a.init:
            self.model = load_model(a.init)
        else:
            config = PRESETS[a.preset]
            self.model = Llama(config.with_vocab(a.vocab) if a.vocab else config, seed=a.seed)
        self.model.to(self.device)
        self.optimizer = Optimizer.of(self.model, a.lr, a.optimizer)
        self.check_steps = a.valid_steps
        self.length = a.seq or self.model.config.max_position_embeddings

    def resume(self) -> None:
        if self.state and self.state.get("optimizer_kind") != self.options.optimizer:
            self.state["optimizer"] = None
        super().resume()

    def begin(self) -> dict:
        a, cursor = self.options, None
        if self.state:
            # A place in the data means something for the same data only: other tokens start from their beginning.
            same = self.state.get("data") == str(a.tokens)
            cursor = self.state["cursor"] if same else {"rows": self.state["cursor"]["rows"]}
        stream = Stream(Tokens(a.tokens, "train"), a.seed, cursor, a.shares)
        self.cursor = cursor
        self.batches = prefetch(stream, a.batch, self.length)
        self.valid = held_out(a.tokens, a.valid_rows, min(a.batch, a.valid_rows), self.length)
        self.trunk = compiled(self.model, not a.no_compile)
        return {
            "parameters": parameter_count(self.model),
            "data": str(a.tokens),
            "batch": a.batch,
            "accumulate": a.accumulate,
            "seq": self.length,
            "optimizer": a.optimizer,
            "torch": torch.__version__,
            "row_bytes": self.model.config.row_bytes,
        }

    def gradients(self) -> None:
        a = self.options
        for _ in range(a.accumulate):
            batch = next(self.batches)
            self.cursor = batch.cursor
            with self.autocast():
                loss, _ = batch_loss(self.model, self.trunk, batch.to(self.device), a.chunk)
            self.learn("loss", loss, 1 / a.accumulate)
        self.seen += a.batch * self.length * a.accumulate

    def check(self) -> dict:
        self.model.eval()
        report = validate(self.model, self.trunk, self.valid, self.device)
        self.model.train()
        return report

    def save(self) -> None:
        path = self.options.run / ("decayed.pt" if self.schedule.annealing else "last.pt")
        place = {"cursor": self.cursor, "data": str(self.options.tokens)}
        save(path, self.model, self.model.config, optimizer_kind=self.options.optimizer, **place, **self.progress())


if __name__ == "__main__":
    print(json.dumps(Pretrain.main()))
