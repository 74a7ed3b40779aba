"""The reader's anchors (AnLLM): `python -m recipe.reader.anchors --base DIR --adapter DIR --tokens DIR --run DIR`.

A token that ends a segment of 128 to 192 tokens, mostly a line break, is its anchor: it stays in sight when the window has
passed. Trained are low-rank changes of the attention maps, on text of which each row sees the sinks, the anchors and a
window of latest rows. Part of the targets is what the same weights predict with all rows in sight.

The anchors are tokens that the text has (AnLLM's form for existing tokens). So an adapter and the rule are all that a
checkpoint needs, and what it writes has no mark that readers must be spared.
"""

from __future__ import annotations

import json
from pathlib import Path

from recipe.checkpoint import save
from recipe.config import ANCHOR_MAX, ANCHOR_MIN, home
from recipe.model.banded_attention import BLOCK
from recipe.model.optimizers import Optimizer
from recipe.reader.adapter import ATTENTION, adapt_layers, adapter_state, load_reader, save_adapter, trained_state
from recipe.stage import Stage
from recipe.tasks.chains import ending_slices
from recipe.tasks.text import windowed_loss
from recipe.tokens.store import Tokens

SINKS = 16
"""First rows that all rows see: as many as where the product reads beyond a window."""


class Anchors(Stage):
    name = "reader/anchors"
    data = ("tokens",)
    defaults = {"lr": 5e-4, "tokens": home() / "reader/text"}

    @classmethod
    def arguments(cls, parser) -> None:
        add = parser.add_argument
        add("--base", type=Path, default=home() / "reader/base")
        add("--adapter", type=Path, help="folder of an adapter that is merged into the base first")
        add("--rank", type=int, default=16)
        add("--alpha", type=float, default=32.0)
        add("--length", type=int, default=1024, help="rows, sinks included")
        add("--batch", type=int, default=1)
        add("--windows", type=int, nargs="+", default=[64, 128, 256], help="latest rows in sight, one drawn a step")
        add("--trust", type=float, default=0.5, help="the part of the targets that full attention gives")

    def build(self) -> None:
        a = self.options
        self.model = adapt_layers(load_reader(a.base, a.adapter), a.rank, a.alpha, 0, ATTENTION)
        self.config = self.model.config
        if self.state:
            self.model.load_state_dict(self.state["weights"], strict=False)
        self.model.to(self.device)
        self.optimizer = Optimizer.of(self.model, a.lr, "adamw", weight_decay=0.0)

    def begin(self) -> dict:
        self.tokens = Tokens(self.options.tokens, "train")
        return {"trained": sum(p.numel() for p in self.optimizer.params), "windows": self.options.windows}

    def gradients(self) -> None:
        a = self.options
        window = int(self.rng.choice(a.windows))
        batch = ending_slices(self.tokens, self.rng, a.batch, a.length // BLOCK * BLOCK, SINKS).to(self.device)
        with self.autocast():
            loss = windowed_loss(self.model, batch, window, a.trust)
        self.learn(f"window_{window}", loss)
        self.seen += batch.ids.numel()

    def save(self) -> None:
        a = self.options
        save(self.last, trained_state(self.model), self.config, rank=a.rank, alpha=a.alpha, **self.progress())
        layers, folder = self.config.num_hidden_layers, a.run / "adapter"
        save_adapter(adapter_state(self.model), folder, a.rank, a.alpha, 0, layers, a.base.name, ATTENTION)
        rule = {"min": ANCHOR_MIN, "max": ANCHOR_MAX}
        (folder / "anchors.json").write_text(json.dumps({"anchor_rule": rule}) + "\n")


if __name__ == "__main__":
    print(json.dumps(Anchors.main()))
