"""Stage 5: the tasks of the product.

    python -m recipe.stages.tasks --base FILE --memory FILE --functions DIR --held-out DIR --run DIR

All weights move, those of the memory tokens too, so that they still fit the base. Each step draws one task:

    text           plain text under the mix of masks, so that nothing is forgotten
    gist           a gist of a function from its rows
    gist_memories  a gist from its memory tokens alone
    copy           keys from memory tokens
    chat           short grounded answers under the chat template

Writes RUN/last.pt (the base) and RUN/memory.pt. `--evaluate` measures gists on held-out repositories.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from recipe.checkpoint import load_model, read, save
from recipe.config import home
from recipe.eval.tasks import TaskEvaluation
from recipe.export.memory import memory_part
from recipe.model.memory_slots import SEGMENT, restored
from recipe.model.optimizers import Optimizer
from recipe.stage import Stage, drawn
from recipe.tasks import functions
from recipe.tasks.examples import ExampleMaker
from recipe.tasks.function_tasks import FunctionTasks
from recipe.tasks.functions import Function, FunctionSampler, documented
from recipe.tasks.keys import KeyMaker
from recipe.tasks.memory_gradients import recall_loss
from recipe.tasks.synthetic import synthetic
from recipe.tasks.text import batch_loss
from recipe.tokens.encoder import Encoder
from recipe.tokens.rows import Stream
from recipe.tokens.store import Tokens

TASKS = ("text", "gist", "gist_memories", "copy", "chat")
SHARES = (0.25, 0.12, 0.10, 0.05, 0.08)


class Tasks(Stage):
    name = "tasks"
    defaults = {"lr": 6e-4, "steps": 3000, "warmup": 50}
    salt = (3,)

    @classmethod
    def arguments(cls, parser) -> None:
        add = parser.add_argument
        add("--base", type=Path, default=home() / "runs/long/merged.pt")
        add("--memory", type=Path, default=home() / "runs/memory/last.pt")
        add("--functions", type=Path, help="folder or jsonl of functions (default: synthetic ones, for a trial only)")
        add("--held-out", type=Path, help="functions of other repositories (default: a tenth of the repositories)")
        add("--shares", type=float, nargs=len(TASKS), default=SHARES, metavar="S", help=f"of {TASKS}")
        add("--ratios", type=int, nargs="+", default=[256, 32, 8])
        add("--batch", type=int, default=32, help="functions a step")
        add("--code-tokens", type=int, default=160)
        add("--known", type=int, default=20000, help="training functions whose comments are --evaluate's baseline")
        add("--gists", type=int, default=100, help="functions whose gists --evaluate compares")

    def build(self) -> None:
        a, state = self.options, self.state
        memory_state = read(a.run / "memory.pt" if state else a.memory)
        self.model = restored(load_model(self.last if state else a.base), memory_state)
        self.model.base.requires_grad_(True)
        self.model.to(self.device)
        self.config = self.model.base.config
        self.optimizer = Optimizer.of(self.model, a.lr, "adamw", weight_decay=0.01)
        self.train_functions, self.held_out = self._functions()
        self.window = self.config.max_position_embeddings
        self.encode = Encoder(a.tokenizer)
        self.examples = ExampleMaker(self.encode, min(a.code_tokens, self.window // 3))

    def _functions(self) -> tuple[list[Function], list[Function]]:
        a = self.options
        if a.functions:
            found = functions.read(a.functions)
        else:
            found = [Function(**record) for record in synthetic(400, a.seed)]
        if a.held_out:
            return documented(found), documented(functions.read(a.held_out))
        return functions.split(documented(found))

    def begin(self) -> dict:
        a = self.options
        self.tasks = FunctionTasks(self.model, self.examples, a.ratios, self.device)
        self.tokens, self.keys = Tokens(a.tokens, "train"), KeyMaker(self.encode)
        self.cursor = self.state["cursor"] if self.state else None
        self.stream = Stream(self.tokens, a.seed + 100, self.cursor)
        self.sampler = FunctionSampler(self.train_functions, a.seed)
        counts = {"functions": len(self.train_functions), "held_out": len(self.held_out)}
        return {**counts, "parameters": sum(p.numel() for p in self.optimizer.params)}

    def gradients(self) -> None:
        task = drawn(TASKS, self.options.shares, self.rng)
        with self.autocast():
            loss = self._loss(task)
        self.learn(task, loss)

    def _loss(self, task: str):
        a, rng = self.options, self.rng
        if task == "copy":
            made = self.keys.single(self.tokens, rng, 8, int(rng.integers(1, 3)), min(128, self.window // 2))
            return recall_loss(self.model, made.to(self.device), min(a.ratios), self.device)
        if task == "text":
            batch = self.stream.batch(max(1, a.batch // 4), self.window)
            self.cursor = batch.cursor
            return batch_loss(self.model.base, self.model.base, batch.to(self.device))[0]
        count = max(2, a.batch // 4) if task == "gist_memories" else a.batch
        return getattr(self.tasks, task)(self.sampler.batch(self.step, count), rng)

    def evaluate(self) -> dict:
        a = self.options
        known = self.train_functions
        measure = TaskEvaluation(self.model, self.examples, self.held_out, known, a.known, self.device)
        return {"functions": str(a.functions), "gist": measure.gists(a.gists, min(a.ratios))}

    def save(self) -> None:
        a, model, config = self.options, self.model, self.config
        save(
            a.run / "memory.pt", model.trained(), config, rank=model.rank, export=memory_part(model, a.ratios, SEGMENT)
        )
        save(self.last, model.base, config, cursor=self.cursor, **self.progress())


if __name__ == "__main__":
    print(json.dumps(Tasks.main()))
