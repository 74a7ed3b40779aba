"""Stage 7: memory tokens in place, alone.

    python -m recipe.stages.anchors --base RUN/last.pt --state RUN/sparse.pt --tokens DIR --run DIR

In the joint stage memory tokens share their steps with much else. Here the base is at rest, and they learn alone what is
read behind them.

Writes RUN/last.pt, and RUN/sparse.pt for the export.
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
from recipe.tasks.keys import KeyMaker
from recipe.tasks.memory_tasks import MemoryTasks
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
        add("--ratios", type=int, nargs="+", default=[256, 32])
        add("--segment", type=int, default=SEGMENT, help="rows of a segment of the past")
        add("--rows", type=int, default=3072, help="rows that a step's text costs, about")

    def build(self) -> None:
        a = self.options
        self.model = restored(load_model(a.base), self.state or read(a.state)).to(self.device)
        self.optimizer = Optimizer.of(self.model, a.lr, "adamw", weight_decay=0.0)

    def begin(self) -> dict:
        a, tokens, encode = self.options, Tokens(self.options.tokens, "train"), Encoder(self.options.tokenizer)
        models = (self.model, self.model)
        self.reading = MemoryTasks(*models, tokens, KeyMaker(encode), a.ratios, a.segment, self.device)
        return {"base": str(a.base), "state": str(a.state)}

    def gradients(self) -> None:
        with self.autocast():
            past = self.reading.past(self.rng, self.options.rows)
        self.learn("past", past)

    def save(self) -> None:
        a, model, config = self.options, self.model, self.model.base.config
        shape = {"rank": model.rank, "in_place": model.in_place}
        save(self.last, model.trained(), config, **shape, **self.progress())
        save(a.run / "sparse.pt", model.trained(), config, export=memory_part(model, a.ratios, a.segment), **shape)


if __name__ == "__main__":
    print(json.dumps(Anchors.main()))
