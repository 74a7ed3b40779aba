"""Stage 4: a vector for each token of the vocabulary.

    python -m recipe.stages.token_vectors --functions DIR --held-out DIR --run DIR

The vector of a text is the mean of its tokens' vectors. That needs no run of the model: it sees hundreds of thousands of
pairs in the minutes in which the model sees a few thousand. CodeSearchNet calls this a neural bag of words
(arXiv:1909.09436, section 4); self-attention was hardly better there.

Pairs are a function's summary and its code, or the words of its name and its code with the name hidden. The loss is
InfoNCE over the batch, in which functions of one repository come together. RUN/last.pt is for the export.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch

from recipe.checkpoint import write
from recipe.config import home
from recipe.eval.token_vectors import search, web_questions
from recipe.heads.token_vectors import Table, contrast
from recipe.model.optimizers import Optimizer
from recipe.stage import Stage
from recipe.tasks.functions import documented, read
from recipe.tasks.token_pairs import TokenPairs
from recipe.tokens.encoder import Encoder


class TokenVectors(Stage):
    name = "token_vectors"
    # More steps learn the training functions by heart: held-out figures fall again after 800.
    defaults = {"lr": 3e-3, "steps": 800, "decay": 0.5}
    data = ("tokenizer",)
    salt = (5,)
    log_steps = 50
    clip = math.inf

    @classmethod
    def arguments(cls, parser) -> None:
        parser.add_argument("--functions", type=Path, default=home() / "functions/train")
        parser.add_argument("--held-out", type=Path, default=home() / "functions/test")
        parser.add_argument("--width", type=int, default=256)
        parser.add_argument("--batch", type=int, default=1024)
        parser.add_argument("--together", type=int, default=32, help="functions of one repository in a row")
        parser.add_argument(
            "--keep", type=float, default=0.5, help="chance that a code's token is seen (a question's: .8)"
        )
        parser.add_argument(
            "--named", type=float, default=0.25, help="share of batches that ask by the words of the name"
        )
        parser.add_argument("--code-tokens", type=int, default=160)
        parser.add_argument("--pool", type=int, default=20000, help="held-out functions searched by --evaluate")
        parser.add_argument("--questions", type=int, default=1000)
        parser.add_argument(
            "--check-steps", type=int, default=250, help="steps between two searches of 4,000 functions"
        )
        parser.add_argument("--cosqa", type=Path, help="folder of CoSQA's dev questions, to be measured too")

    def build(self) -> None:
        a = self.options
        self.encode = Encoder(a.tokenizer)
        self.table = Table(self.encode.vocab, a.width)
        if self.state:
            self.table.load_state_dict(self.state["weights"])
        self.optimizer = Optimizer([torch.optim.Adam(self.table.parameters(), lr=a.lr, betas=(0.9, 0.98))], a.lr)
        self.held_out = documented(read(a.held_out))
        self.check_steps = a.check_steps

    def begin(self) -> dict:
        self.pairs = TokenPairs(read(self.options.functions), self.encode, self.options.code_tokens)
        return {"functions": len(self.pairs.functions), "documented": int(self.pairs.has_summary.sum())}

    def gradients(self) -> None:
        a = self.options
        questions, codes, same = self.pairs.batch(self.rng, a.batch, a.together, a.keep, a.named)
        self.learn("loss", contrast(self.table(questions), self.table(codes), self.table.temperature, same))

    def check(self) -> dict:
        found = search(self.table, self.held_out, self.encode, self.options.code_tokens, 4000, 500, lexical=False)
        return {"mrr": found["mrr"][0], "temperature": float(self.table.temperature.detach().exp())}

    def evaluate(self) -> dict:
        a = self.options
        report = search(self.table, self.held_out, self.encode, a.code_tokens, a.pool, a.questions, lexical=True)
        if a.cosqa:
            report["cosqa"] = web_questions(self.table, a.cosqa, self.encode, 256)
        return report

    def save(self) -> None:
        write(self.last, {"weights": self.table.state_dict(), "export": self.table.export(), **self.progress()})


if __name__ == "__main__":
    print(json.dumps(TokenVectors.main()))
