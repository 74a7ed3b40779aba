"""The reader's anchors (AnLLM): `python -m recipe.reader.anchors --base DIR --adapter DIR --tokens DIR --run DIR`.

An anchor is put in by rule after 128 to 192 tokens and learns to stand for the rows since the last one. Trained are
low-rank changes of the attention maps and the anchor's embedding, on text under the AnSAN mask, with and without a window
of latest rows beside the anchors. Part of the targets is what the same weights predict with all rows in sight.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recipe.checkpoint import save
from recipe.config import ID, home
from recipe.model.banded_attention import BLOCK
from recipe.model.optimizers import Optimizer
from recipe.reader.adapter import ATTENTION, adapt_layers, adapter_state, load_reader, save_adapter, trained_state
from recipe.stage import Stage
from recipe.tasks.chains import anchored_slices
from recipe.tasks.text import batch_loss, windowed_loss
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import Tokens


class AnchorEmbedding(nn.Module):
    """Frozen embeddings but for one trained vector. The output head stays the frozen table: anchors are not predicted."""

    def __init__(self, embeddings: nn.Embedding, token: int, start: Tensor):
        super().__init__()
        self.weight = embeddings.weight.requires_grad_(False)
        self.token = token
        self.anchor = nn.Parameter(start.detach().float().clone())

    def forward(self, ids: Tensor) -> Tensor:
        found = F.embedding(ids, self.weight)
        return torch.where((ids == self.token)[..., None], self.anchor.to(found.dtype), found)


class Anchors(Stage):
    name = "reader/anchors"
    data = ("tokens", "tokenizer")
    defaults = {"lr": 3e-4, "tokens": home() / "reader/text", "tokenizer": home() / "reader/base"}

    @classmethod
    def arguments(cls, parser) -> None:
        add = parser.add_argument
        add("--base", type=Path, default=home() / "reader/base")
        add("--adapter", type=Path, help="folder of an adapter that is merged into the base first")
        add("--rank", type=int, default=16)
        add("--alpha", type=float, default=32.0)
        add("--length", type=int, default=1024, help="rows, sinks and anchors included")
        add("--batch", type=int, default=1)
        add(
            "--windows",
            type=int,
            nargs="+",
            default=[0, 64, 128, 256],
            help="latest rows in sight, one drawn a step; 0: none",
        )
        add("--trust", type=float, default=0.5, help="the part of the targets that full attention gives")

    def build(self) -> None:
        a = self.options
        self.model = adapt_layers(load_reader(a.base, a.adapter), a.rank, a.alpha, 0, ATTENTION)
        self.config = self.model.config
        trunk = self.model.model
        # AnLLM starts an anchor as the mark that ends a sentence; here lines are what ends.
        (newline,) = Encoder(a.tokenizer)("\n")
        trunk.embed_tokens = AnchorEmbedding(trunk.embed_tokens, ID["anchor"], trunk.embed_tokens.weight[newline])
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
        batch = anchored_slices(self.tokens, self.rng, a.batch, a.length // BLOCK * BLOCK).to(self.device)
        with self.autocast():
            loss = (
                windowed_loss(self.model, batch, window, a.trust)
                if window
                else batch_loss(self.model, self.model, batch)[0]
            )
        self.learn(f"window_{window}", loss)
        self.seen += batch.ids.numel()

    def save(self) -> None:
        a = self.options
        save(self.last, trained_state(self.model), self.config, rank=a.rank, alpha=a.alpha, **self.progress())
        layers = self.config.num_hidden_layers
        save_adapter(adapter_state(self.model), a.run / "adapter", a.rank, a.alpha, 0, layers, a.base.name, ATTENTION)


if __name__ == "__main__":
    print(json.dumps(Anchors.main()))
