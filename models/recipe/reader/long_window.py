"""The reader's longer window: `python -m recipe.reader.long_window --base DIR --tokens DIR --run DIR --factors FILE`.

From 8,192 to 32,768 rows: DCIS factors, S2-Attn in training, LoRA+ (attention maps by a low rank, norms in full). The
embeddings alone are 57 MB in f16, more than an adapter may take in the package: they stay as they are unless
--embeddings is given. --adapter merges an adapter of the tasks into the base first.
"""

from __future__ import annotations

import json
from pathlib import Path

from recipe.checkpoint import save
from recipe.config import home
from recipe.eval.windows import evaluate_windows
from recipe.model.lora import save_adapter
from recipe.model.optimizers import Optimizer
from recipe.reader.adapter import load_reader, trained_state
from recipe.stages.long_context import ALPHA, RANK, LongContext
from recipe.tokens.store import Tokens


class LongWindow(LongContext):
    name = "reader/long"
    defaults = {
        "lr": 3e-4,
        "steps": 400,
        "batch": 1,
        "window": 32_768,
        "base": home() / "reader/base",
        "tokens": home() / "reader/text",
    }

    @classmethod
    def arguments(cls, parser) -> None:
        super().arguments(parser)
        parser.add_argument("--adapter", type=Path, help="folder of an adapter that is merged into the base first")
        parser.add_argument("--embeddings", action="store_true", help="train the embeddings too, as LongLoRA does")

    def build(self) -> None:
        state, self.state = self.state, None  # a checkpoint holds what is trained, and the parent reads whole models
        super().build()
        self.state = state
        if not self.options.embeddings:
            self.model.model.embed_tokens.requires_grad_(False)
        if state:
            self.model.load_state_dict(state["weights"], strict=False)
        self.optimizer = Optimizer.of(self.model, self.options.lr, "adamw", weight_decay=0.0)

    def _extended_base(self):
        return load_reader(
            self.options.base, self.options.adapter, factors=self.rope["factors"], rope_scale=self.rope["scale"]
        )

    def evaluate(self) -> dict:
        """Perplexity with contexts of 1, 2, 4 first windows: the base, its factors alone, and what was trained."""
        a = self.options
        plain = load_reader(a.base, a.adapter)
        models = {"base": plain, "factors_only": self._extended_base(), "tuned": self.model}
        test = Tokens(a.tokens, "test")
        return evaluate_windows(models, test, self.first, self.window, a.evaluate_rows, self.device)

    def save(self) -> None:
        a = self.options
        save(self.last, trained_state(self.model), self.config, window=self.window, rope=self.rope, **self.progress())
        if a.tune == "lora+":
            save_adapter(self.model, a.run / "adapter", RANK, ALPHA, a.base.name)
        entry = {
            "extension": self.window / self.first,
            "attentionFactor": self.rope["scale"],
            "originalMaxPositions": self.first,
            "factors": list(self.rope["factors"]),
        }
        (a.run / "rope_factors.json").write_text(json.dumps({"factors": {"tuned": entry}}, indent=1) + "\n")


if __name__ == "__main__":
    print(json.dumps(LongWindow.main()))
