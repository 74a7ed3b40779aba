"""The reader's tasks: `python -m recipe.reader.answers --base DIR --rows DIR --run DIR`.

Grounded answers, abstention and gists, by LoRA on every matrix of the layers from --first on. The loss falls on answers
only. The rate warms up and stays, so that a run can go on whenever there is time. RUN/adapter (PEFT, f16) is a running
mean of the adapter, which stands in for a decay; --decay and --decay-minutes anneal as well. Runs in bf16 on a GPU (--batch 16
--warmup 20) and on a CPU with bf16 instructions, else in f32.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch
from torch import Tensor

from recipe.checkpoint import save
from recipe.config import home
from recipe.machine import low_precision
from recipe.model.loss import IGNORE, cross_entropy
from recipe.model.masks import visible
from recipe.model.optimizers import Optimizer
from recipe.model.transformer import Llama
from recipe.reader.adapter import adapt_layers, adapter_state, load_reader, read_state, save_adapter
from recipe.reader.rows import Batch, Row, batch, read_parts
from recipe.schedule import Stable
from recipe.stage import Stage


def row_loss(model: Llama, b: Batch) -> tuple[Tensor, int]:
    """Mean nats over the answers' tokens, and their number."""
    hidden = model(b.ids, b.positions, visible(b.layout))
    loss, _ = cross_entropy(hidden, model.model.embed_tokens.weight, b.targets)
    return loss, int((b.targets != IGNORE).sum())


class Feed:
    """Rows in a seeded order. The row at a place depends on the place alone, so a resumed run repeats none."""

    def __init__(self, answers: list[Row], gists: list[Row], share: float, seed: int):
        self.kinds = (answers, gists)
        self.share, self.seed = share, seed
        self.orders: dict[tuple[int, int], list[int]] = {}

    def row(self, place: int) -> Row:
        gists = int(place * self.share)  # gist rows before this place
        is_gist = int((place + 1) * self.share) > gists
        rows, at = self.kinds[is_gist], gists if is_gist else place - gists
        epoch, index = divmod(at, len(rows))
        key = (int(is_gist), epoch)
        if key not in self.orders:
            order = list(range(len(rows)))
            random.Random(f"{self.seed} {key}").shuffle(order)
            self.orders = {k: v for k, v in self.orders.items() if k[0] != key[0]} | {key: order}
        return rows[self.orders[key][index]]


class Mean:
    """A running mean of tensors, corrected for its beginning."""

    def __init__(self, state: dict[str, Tensor], keep: float):
        self.keep, self.weight = keep, 0.0
        self.sums = {name: torch.zeros_like(value, dtype=torch.float32) for name, value in state.items()}

    def add(self, state: dict[str, Tensor]) -> None:
        self.weight = self.keep * self.weight + 1 - self.keep
        for name, value in state.items():
            self.sums[name].lerp_(value.float(), 1 - self.keep)

    def value(self) -> dict[str, Tensor]:
        return {name: value / max(self.weight, 1e-8) for name, value in self.sums.items()}


class Answers(Stage):
    name = "reader/answers"
    data = ()
    schedule_type = Stable
    defaults = {"lr": 1.5e-3, "warmup": 8, "save_seconds": 240}
    log_steps = 1

    @classmethod
    def arguments(cls, parser) -> None:
        add = parser.add_argument
        add("--base", type=Path, default=home() / "reader/base", help="folder of recipe.reader.base")
        add("--rows", type=Path, default=home() / "reader/rows", help="folder of recipe.reader.rows")
        add("--init", type=Path, help="exported folder to go on from where there is no RUN/last.pt")
        add("--first", type=int, default=10, help="the first adapted layer; those below need no backward pass")
        add("--rank", type=int, default=16)
        add("--alpha", type=float, default=32.0)
        add("--gists", type=float, default=0.3, help="the share of rows that hold gists")
        add("--batch", type=int, default=1, help="rows side by side")
        add("--mean", type=float, default=0.95, help="the part that the exported mean keeps of itself a step")
        add("--valid-rows", type=int, default=0, help="rows of either kind that are measured at the end")

    def build(self) -> None:
        a = self.options
        self.model = adapt_layers(load_reader(a.base), a.rank, a.alpha, a.first)
        self.config = self.model.config
        self.mean = Mean(adapter_state(self.model), a.mean)
        if not self.state and a.init:
            self.state = read_state(a.init)
        if self.state:
            self.model.load_state_dict(self.state["weights"], strict=False)
            self.mean.sums, self.mean.weight = (
                self.state.get("mean", self.mean.sums),
                self.state.get("mean_weight", 0.0),
            )
        self.model.to(self.device)
        self.mean.sums = {name: value.to(self.device) for name, value in self.mean.sums.items()}
        if low_precision(self.device):  # frozen matrices in half precision; what is trained stays in f32
            for p in self.model.parameters():
                if not p.requires_grad and p.dim() == 2:
                    p.data = p.data.to(torch.bfloat16)
        self.optimizer = Optimizer.of(self.model, a.lr, "adamw", weight_decay=0.0)

    def begin(self) -> dict:
        a = self.options
        self.feed = Feed(read_parts(a.rows / "train-answers"), read_parts(a.rows / "train-gists"), a.gists, a.seed)
        return {
            "base": a.base.name,
            "first": a.first,
            "rank": a.rank,
            "trained": sum(p.numel() for p in self.optimizer.params),
        }

    def gradients(self) -> None:
        a = self.options
        rows = [self.feed.row(self.step * a.batch + i) for i in range(a.batch)]
        b = batch(rows, 64 if self.device.type == "cuda" else 1).to(self.device)
        # The mean gains what the last step made.
        if self.step:
            self.mean.add(adapter_state(self.model))
        with self.autocast():
            loss, _ = row_loss(self.model, b)
        self.learn("loss", loss)
        self.seen += sum(len(row.ids) for row in rows)

    @torch.no_grad()
    def check(self) -> dict:
        """Nats a token of held-out answers, by kind of row."""
        found = {}
        for kind in ("answers", "gists") if self.options.valid_rows else ():
            nats = tokens = 0.0
            for row in read_parts(self.options.rows / f"valid-{kind}")[: self.options.valid_rows]:
                with self.autocast():
                    loss, count = row_loss(self.model, batch([row]).to(self.device))
                nats, tokens = nats + float(loss) * count, tokens + count
            found[kind] = nats / max(1.0, tokens)
        return found

    def save(self) -> None:
        a, state = self.options, adapter_state(self.model)
        shape = {"rank": a.rank, "alpha": a.alpha, "first": a.first}
        save(
            self.last, state, self.config, mean=self.mean.sums, mean_weight=self.mean.weight, **shape, **self.progress()
        )
        (a.run / "adapter").mkdir(parents=True, exist_ok=True)
        (a.run / "adapter/training.json").write_text(
            json.dumps({"step": self.step, "tokens": self.seen, "seed": a.seed}) + "\n"
        )
        value = self.mean.value() if self.mean.weight and not self.schedule.annealing else state
        save_adapter(value, a.run / "adapter", a.rank, a.alpha, a.first, self.config.num_hidden_layers, a.base.name)


if __name__ == "__main__":
    print(json.dumps(Answers.main()))
