"""Stage 2: a longer window, by default eight times the first one.

    python -m recipe.stages.long_context --base RUN/decayed.pt --tokens DIR --run DIR --factors FILE

The rotary frequencies are divided by the factors of a DCIS search, which the engine writes as `rope_factors.json` beside
a checkpoint. Without such a file YaRN's factors are used, where that search starts. The stage trains on slices of the
long window with S2-Attn and LoRA+ (rank 8, embeddings and norms in full). `--tune full` and `--attention full` are for
comparison. Inference attends to everything.

Writes RUN/last.pt, RUN/adapter (PEFT; LoRA+ only) and RUN/merged.pt (plain weights with their factors). `--evaluate`
measures the base, the factors alone and the tuned model on the test split.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from recipe.checkpoint import load_model, save
from recipe.config import home
from recipe.eval.windows import evaluate_windows
from recipe.model.attention import sdpa
from recipe.model.lora import adapt, merged, save_adapter
from recipe.model.loss import cross_entropy
from recipe.model.optimizers import Optimizer
from recipe.model.rope import read_factors, yarn
from recipe.model.shifted_attention import s2_attend
from recipe.stage import Stage
from recipe.tasks.chains import slices
from recipe.tokens.store import Tokens

RANK, ALPHA = 8, 16.0


class LongContext(Stage):
    name = "long"
    defaults = {"lr": 3e-4, "steps": 400}
    data = ("tokens",)
    log_steps = 10

    @classmethod
    def arguments(cls, parser) -> None:
        parser.add_argument("--base", type=Path, default=home() / "runs/pretrain/decayed.pt")
        parser.add_argument(
            "--factors", type=Path, help="rope_factors.json of the DCIS search; default: YaRN's factors"
        )
        parser.add_argument("--factors-name", help="the entry to take, if the file has several")
        parser.add_argument("--window", type=int, help="rows (default: 8 x the first window)")
        parser.add_argument("--tune", choices=("lora+", "full"), default="lora+")
        parser.add_argument("--attention", choices=("s2", "full"), default="s2")
        parser.add_argument("--batch", type=int, default=2)
        parser.add_argument("--evaluate-rows", type=int, default=48)

    def build(self) -> None:
        a = self.options
        self.base = load_model(a.base)
        self.config = self.base.config
        self.first = self.config.max_position_embeddings
        self.window = a.window or 8 * self.first
        head_dim, theta = self.config.head_dim, self.config.rope_theta
        if a.factors:
            self.rope = read_factors(a.factors, a.factors_name, head_dim, self.first)
        else:
            self.rope = yarn(head_dim, theta, self.first, self.window / self.first)
        self.model = self._extended_base()
        if a.tune == "lora+":
            adapt(self.model, RANK, ALPHA)
        if self.state:
            self.model.load_state_dict(self.state["weights"])
        self.model.to(self.device)
        self.optimizer = Optimizer.of(self.model, a.lr, "adamw", weight_decay=0.0)

    def _extended_base(self):
        return load_model(self.options.base, factors=self.rope["factors"], rope_scale=self.rope["scale"])

    def begin(self) -> dict:
        a = self.options
        self.tokens = Tokens(a.tokens, "train")
        self.attend = s2_attend(self.window // 4) if a.attention == "s2" else sdpa
        trained = sum(p.numel() for p in self.optimizer.params)
        return {
            "window": self.window,
            "tune": a.tune,
            "attention": a.attention,
            "base": str(a.base),
            "trained": trained,
        }

    def gradients(self) -> None:
        batch = self.options.batch
        ids, targets = slices(self.tokens, self.rng, batch, self.window)
        positions = torch.arange(self.window, device=self.device).expand(batch, self.window)
        with self.autocast():
            hidden = self.model(ids.to(self.device), positions, None, attend=self.attend)
            loss, _ = cross_entropy(hidden, self.model.model.embed_tokens.weight, targets.to(self.device))
        self.learn("loss", loss)
        self.seen += batch * self.window

    def evaluate(self) -> dict:
        a = self.options
        tuned = load_model(a.run / "merged.pt")
        models = {"base": self.base, "factors_only": self._extended_base(), "tuned": tuned}
        test = Tokens(a.tokens, "test")
        report = evaluate_windows(models, test, self.first, self.window, a.evaluate_rows, self.device)
        return {"tune": a.tune, "attention": a.attention, **report}

    def save(self) -> None:
        a, plain = self.options, self.model
        save(self.last, self.model, self.config, window=self.window, **self.progress())
        if a.tune == "lora+":
            save_adapter(self.model, a.run / "adapter", RANK, ALPHA, str(a.base))
            plain = merged(self._extended_base(), a.run / "adapter")
        save(a.run / "merged.pt", plain, self.config, window=self.window)
        factors = {
            "extension": self.window / self.first,
            "attentionFactor": self.rope["scale"],
            "originalMaxPositions": self.first,
            "factors": list(self.rope["factors"]),
            "note": f"trained with, {a.tune}, {a.attention}",
        }
        (a.run / "rope_factors.json").write_text(json.dumps({"factors": {"tuned": factors}}, indent=1) + "\n")


if __name__ == "__main__":
    print(json.dumps(LongContext.main()))
