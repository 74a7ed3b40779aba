"""Stage 7: the selection head, learnt beside a model at rest.

    python -m recipe.stages.selection --base RUN/last.pt --functions DIR --held-out DIR --run DIR

A question selects among the segments of a whole workspace by the model's own attention: its mean query against the mean
key of each segment. Untrained, the same keys draw every question. Teaching the base or the memory tokens to select
spoils their rows for reading (docs/decisions/recipe-selection.md). So everything is at rest, and only a metric is
learnt (heads/selection.py).

Every pair is read by the model once, before the first step. RUN/last.pt is for the export.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recipe.checkpoint import load_model, save
from recipe.config import home
from recipe.eval.selection import selection_mrr
from recipe.heads.selection import SelectionHead, mean_keys, mean_queries
from recipe.heads.vectors import contrast
from recipe.model.memory_slots import SEGMENT
from recipe.model.optimizers import Optimizer
from recipe.schedule import Budget
from recipe.stage import Stage
from recipe.tasks.examples import ExampleMaker
from recipe.tasks.functions import FunctionSampler, documented
from recipe.tasks.functions import read as read_functions
from recipe.tasks.question_pairs import CONTINUED, TOGETHER, PairMaker
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import Tokens


class Triangle(Budget):
    """Rises over the warm-up, holds, and falls in a straight line over the last --decay share."""

    def factor(self, step: int) -> float:
        return min(1.0, (step + 1) / self.warmup, (1.0 - self.progress(step)) / self.decay)


class PairBatches:
    """Batches of read pairs; rows of TOGETHER neighbours stay together."""

    def __init__(self, queries: Tensor, keys: Tensor, labels: list[str]):
        self.queries, self.keys = queries, keys
        numbers = {label: i for i, label in enumerate(dict.fromkeys(labels))}
        self.labels = torch.tensor([numbers[label] for label in labels])
        self.rows = torch.arange(len(labels)).split(TOGETHER)

    def loss(self, head: SelectionHead, batch: int, rng: np.random.Generator) -> Tensor:
        count = min(len(self.rows), max(1, batch // TOGETHER))
        some = torch.cat([self.rows[i] for i in rng.choice(len(self.rows), count, replace=False)])
        questions, texts = head.questions(self.queries[some]), head.texts(self.keys[some])
        same = self.labels[some][:, None] == self.labels[some][None]
        return contrast(questions, texts, head.temperature, same)


def selection_optimizer(head: SelectionHead, lr: float) -> Optimizer:
    return Optimizer([torch.optim.AdamW(head.parameters(), lr=lr, weight_decay=0.1)], lr)


class Selection(Stage):
    name = "selection"
    schedule_type = Triangle
    defaults = {"lr": 2e-3, "steps": 600, "decay": 0.5}
    salt = (9, 1)
    log_steps = 100
    clip = math.inf

    @classmethod
    def arguments(cls, parser) -> None:
        add = parser.add_argument
        add("--base", type=Path, default=home() / "runs/joint/decayed/last.pt")
        add("--functions", type=Path, required=True, help="folder or jsonl of functions")
        add("--held-out", type=Path, help="functions of other repositories, among which selection is measured")
        add("--width", type=int, default=64)
        add("--pairs", type=int, default=24000)
        add("--pool", type=int, default=1000, help="held-out functions that a question selects from")
        add("--segment", type=int, default=SEGMENT, help="tokens of a text, at most")
        add("--batch", type=int, default=1024)

    def build(self) -> None:
        a = self.options
        self.base = load_model(a.base).to(self.device).eval()
        self.examples = ExampleMaker(Encoder(a.tokenizer), code_tokens=a.segment)
        queries, keys, labels = self._read(a.functions, "train", a.pairs, 0)
        self.pairs = PairBatches(queries, keys, labels)
        self.head = SelectionHead(queries, keys, a.width)
        if self.state:
            self.head.load_state_dict(self.state["weights"])
        self.optimizer = selection_optimizer(self.head, a.lr)

    def _read(self, folder: Path, split: str, count: int, stream: int) -> tuple[Tensor, Tensor, list[str]]:
        """Mean queries and mean keys of `count` pairs, and their labels."""
        a = self.options
        sampler = FunctionSampler(documented(read_functions(folder)), a.seed)
        maker = PairMaker(self.examples, sampler, Tokens(a.tokens, split))
        made = maker.mixed(count, a.segment, np.random.default_rng((a.seed, 9, stream)))
        queries = mean_queries(self.base, made.questions, self.device)
        return queries, mean_keys(self.base, made.texts, self.device), made.labels

    def begin(self) -> dict:
        return {"base": str(self.options.base), "pairs": len(self.pairs.labels)}

    def gradients(self) -> None:
        self.learn("loss", self.pairs.loss(self.head, self.options.batch, self.rng))

    def check(self) -> dict:
        """Reciprocal ranks among held-out functions, and among held-out texts with what follows them."""
        a = self.options
        if not a.held_out:
            return {}
        queries, keys, labels = self._read(a.held_out, "test", int(a.pool / (1 - CONTINUED)), 2)
        continued = torch.tensor([label.startswith("\n") for label in labels])
        kinds = {"functions": ~continued, "continued": continued}
        return {
            kind: {"pool": int(own.sum()), "mrr": selection_mrr(self.head, queries[own], keys[own])}
            for kind, own in kinds.items()
            if own.any()
        }

    def save(self) -> None:
        save(self.last, self.head.state_dict(), self.base.config, export=self.head.export(), **self.progress())


if __name__ == "__main__":
    print(json.dumps(Selection.main()))
