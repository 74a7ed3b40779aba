"""Stage 6: memory tokens in place, alone.

    python -m recipe.stages.anchors --base RUN/last.pt --state RUN/sparse.pt --tokens DIR --functions DIR --run DIR

The rows of a context have two purposes: what follows is read behind them, and a question's attention selects among them.
In the joint stage selection had the larger share, and the rows became worse than none for reading
(docs/decisions/recipe-selection.md). Here the base is at rest. Each step adds both gradients, selection with a small
weight. The stage begins with the memory tokens of --state; those from before selection was taught do best.

Writes RUN/last.pt, and RUN/sparse.pt for the export, at --share of the way from the first memory tokens to the last.
Selection grows with that share, and reading stays for a while.
"""

from __future__ import annotations

import json
from pathlib import Path

from recipe.checkpoint import load_model, read, save
from recipe.config import home
from recipe.export.memory import memory_part
from recipe.model.memory_slots import SEGMENT, restored
from recipe.model.optimizers import Optimizer
from recipe.stage import Stage
from recipe.tasks.attention_selection import AttentionSelection
from recipe.tasks.examples import ExampleMaker
from recipe.tasks.functions import FunctionSampler, documented
from recipe.tasks.functions import read as read_functions
from recipe.tasks.keys import KeyMaker
from recipe.tasks.memory_tasks import MemoryTasks
from recipe.tasks.question_pairs import PairMaker
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import Tokens


class Anchors(Stage):
    name = "anchors"
    defaults = {"minutes": 10, "decay": 0.5}
    salt = (8,)

    @classmethod
    def arguments(cls, parser) -> None:
        add, final = parser.add_argument, home() / "runs/joint/decayed"
        add("--base", type=Path, default=final / "last.pt")
        add("--state", type=Path, default=final / "sparse.pt", help="memory tokens to begin with")
        add("--functions", type=Path, required=True, help="folder or jsonl of functions")
        add("--ratios", type=int, nargs="+", default=[256, 32])
        add("--segment", type=int, default=SEGMENT, help="rows of a segment of the past")
        add(
            "--rows",
            type=int,
            default=3072,
            help="rows that a step's text costs, about; selection costs two thirds of it",
        )
        add("--selection", type=float, default=0.15, help="weight of selection beside reading")
        add("--share", type=float, default=0.25, help="of the way from the first memory tokens to the last")

    def build(self) -> None:
        a = self.options
        self.first = read(a.state)
        self.model = restored(load_model(a.base), self.state or self.first).to(self.device)
        self.optimizer = Optimizer.of(self.model, a.lr, "adamw", weight_decay=0.0)

    def begin(self) -> dict:
        a, tokens, encode = self.options, Tokens(self.options.tokens, "train"), Encoder(self.options.tokenizer)
        models = (self.model, self.model)
        self.reading = MemoryTasks(*models, tokens, KeyMaker(encode), a.ratios, a.segment, self.device)
        sampler = FunctionSampler(documented(read_functions(a.functions)), a.seed)
        pairs = PairMaker(ExampleMaker(encode), sampler, tokens)
        self.selection = AttentionSelection(self.model, pairs, a.ratios, self.device)
        return {"base": str(a.base), "state": str(a.state), "selection": a.selection}

    def gradients(self) -> None:
        rows = self.options.rows
        with self.autocast():
            past = self.reading.past(self.rng, rows)
            select = self.selection.loss(self.step, self.rng, rows * 2 // 3)
        self.learn("past", past)
        self.learn("select", select, self.options.selection)

    def save(self) -> None:
        a, model, config = self.options, self.model, self.model.base.config
        shape = {"rank": model.rank, "in_place": model.in_place}
        save(self.last, model.trained(), config, **shape, **self.progress())
        begun, ended = restored(model.base, self.first).to(self.device), model.trained()
        mixed = {name: value.lerp(ended[name], a.share) for name, value in begun.trained().items()}
        begun.load_state_dict(mixed, strict=False)
        save(a.run / "sparse.pt", mixed, config, export=memory_part(begun, a.ratios, a.segment), **shape)


if __name__ == "__main__":
    print(json.dumps(Anchors.main()))
