"""Stage 6: everything at once.

    python -m recipe.stages.joint --init RUN/last.pt --tokens DIR --functions DIR --run DIR

In a chain of stages each forgets some of what the one before has taught. Here a step adds the gradients of two batches:
text under one of the masks (TEXTS), and some of the tasks (TASKS). All weights move; the changes of memory tokens still
act at memory tokens only. The rate is steady. `--decay-minutes M` reads RUN/last.pt, lets the rate fall to nothing in
M minutes and writes RUN/decayed, a run folder that the tasks stage measures and the export takes.

Beside last.pt it writes memory.pt (memory tokens appended, lowest ratio), sparse.pt (memory tokens in place, the other
ratios).
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from recipe.checkpoint import load_model, read, save
from recipe.config import home
from recipe.export.memory import memory_part
from recipe.model.memory_slots import SEGMENT, MemoryModel, restored
from recipe.model.optimizers import Optimizer
from recipe.model.rope import read_factors, yarn
from recipe.schedule import Stable
from recipe.stage import Stage, drawn
from recipe.tasks.examples import ExampleMaker
from recipe.tasks.function_tasks import FunctionTasks
from recipe.tasks.functions import FunctionSampler, documented
from recipe.tasks.functions import read as read_functions
from recipe.tasks.keys import KeyMaker
from recipe.tasks.memory_tasks import MemoryTasks
from recipe.tasks.text import TEXTS, TextTasks
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import Tokens

TEXT_SHARES = (0.38, 0.12, 0.50)
MEMORY_TASKS = ("past", "copy_raw", "repeat", "copy", "needle", "needle_raw")
FUNCTION_TASKS = {"gist": 8, "gist_memories": 8, "chat": 8}  # functions a step for every 1,024 rows of text
TASKS = (*MEMORY_TASKS, *FUNCTION_TASKS)
TASK_SHARES = (0.18, 0.10, 0.0, 0.26, 0.10, 0.08, 0.12, 0.03, 0.05)


class SteadyThenLinear(Stable):
    """Warms up after every start, holds, and falls in a straight line while it anneals."""

    def factor(self, step: int) -> float:
        return 1.0 - self.decayed(step) if self.annealing else min(1.0, (step - self.done + 1) / self.warmup)


class Joint(Stage):
    name = "joint"
    schedule_type = SteadyThenLinear
    defaults = {"lr": 1.3e-3, "save_seconds": 240}
    salt = (3,)
    clip = 2.0

    @classmethod
    def arguments(cls, parser) -> None:
        add = parser.add_argument
        add("--init", type=Path, default=home() / "runs/blend/last.pt", help="weights to start a new run from")
        add("--memory", type=Path, help="memory tokens of the lowest ratio (default: memory.pt beside --init)")
        add("--functions", type=Path, required=True, help="folder or jsonl of functions")
        add("--task-shares", type=float, nargs=len(TASKS), default=TASK_SHARES, metavar="S", help=f"of {TASKS}")
        add("--task-norm", type=float, default=0.8, help="the tasks' gradient is cut to this norm; a text's is about 1")
        add("--tasks", type=int, default=1, help="tasks a step")
        add("--trust", type=float, default=0.5, help="share of full attention's predictions in long AnSAN targets")
        add("--ratios", type=int, nargs="+", default=[256, 32, 8])
        add("--segment", type=int, default=SEGMENT, help="rows of a segment of the past")
        add("--identifiers", type=int, default=20_000, help="places of the text where names for keys are read")
        add("--code-tokens", type=int, default=160)
        add("--text-shares", type=float, nargs=len(TEXTS), default=TEXT_SHARES, metavar="S", help=f"of {TEXTS}")
        add("--farthest", type=int, default=32, help="rows of the longest texts, in first windows")
        add("--farthest-share", type=float, default=0.0, help="of the long rows under full attention; AnSAN: a quarter")
        add("--factors", type=Path, help="rope_factors.json (default: the checkpoint's factors, or YaRN's)")
        add("--rows", type=int, default=4, help="rows of the first window in a step's text")

    def build(self) -> None:
        a = self.options
        start = self.last if self.state else a.init
        self.base = self._base(start)
        self.config, self.first = self.base.config, self.base.config.max_position_embeddings
        self.appended, self.in_place = self._memory_models(start.parent)
        self.base.requires_grad_(True)
        parts = {"model": self.appended, "sparse": self.in_place}
        self.optimizer = Optimizer.of(torch.nn.ModuleDict(parts).to(self.device), a.lr, "muon")

    def _base(self, path: Path):
        """The model, extended to eight first windows where it was not yet."""
        base, factors = load_model(path), self.options.factors
        c, first = base.config, base.config.max_position_embeddings
        if base.rope.factors is not None and not factors:
            return base
        rope = read_factors(factors, None, c.head_dim, first) if factors else yarn(c.head_dim, c.rope_theta, first, 8)
        base = load_model(path, factors=rope["factors"], rope_scale=rope["scale"])
        base.window = 8 * first
        return base

    def _memory_models(self, folder: Path) -> tuple[MemoryModel, MemoryModel]:
        """Memory tokens appended and in place, of the run in `folder`; those in place are new where there are none."""
        a = self.options
        state = read(folder / "memory.pt" if self.state else a.memory or folder / "memory.pt")
        appended = restored(self.base, state)
        if "span_gain" not in state["weights"]:
            appended.weigh_spans(Tokens(a.tokens, "train").counts(self.config.vocab_size))
        path = folder / "sparse.pt"
        if path.exists():
            return appended, restored(self.base, read(path))
        return appended, MemoryModel(self.base, appended.rank, in_place=True)

    def begin(self) -> dict:
        a = self.options
        same_data = self.state and self.state["data"] == str(a.tokens)
        cursors = self.state["cursors"] if same_data else None
        tokens, encode = Tokens(a.tokens, "train"), Encoder(a.tokenizer)
        lengths = (self.first, self.base.window)
        self.texts = TextTasks(tokens, *lengths, a.seed, cursors, a.trust, a.farthest, a.farthest_share)
        keys = KeyMaker(encode)
        keys.read_identifiers(tokens, a.identifiers)
        self.lowest, self.higher = min(a.ratios), [ratio for ratio in a.ratios if ratio > min(a.ratios)]
        models = (self.appended, self.in_place)
        self.memory_tasks = MemoryTasks(*models, tokens, keys, a.ratios, a.segment, self.device)
        examples = ExampleMaker(encode, min(a.code_tokens, self.first // 3))
        self.function_tasks = FunctionTasks(self.appended, examples, a.ratios, self.device)
        self.sampler = FunctionSampler(documented(read_functions(a.functions)), a.seed)
        shares = {"texts": list(a.text_shares), "tasks": list(a.task_shares)}
        return {"data": str(a.tokens), "init": str(a.init), "rows": a.rows, "annealing": a.decay_minutes, **shares}

    def gradients(self) -> None:
        a, rng = self.options, self.rng
        text = drawn(TEXTS, a.text_shares, rng)
        for task in [drawn(TASKS, a.task_shares, rng) for _ in range(a.tasks)]:
            with self.autocast():
                loss = self._task_loss(task)
            self.learn(task, loss)
        # The tasks come first, cut to the norm of a text's gradient: a few wrong answers must not drown the text.
        torch.nn.utils.clip_grad_norm_(self.optimizer.params, a.task_norm)
        with self.autocast():
            loss = self.texts.loss(self.base, text, a.rows, rng, self.device)
        self.learn(text, loss)
        self.seen += a.rows * self.first

    def _task_loss(self, task: str):
        rows = self.options.rows * self.first
        if task in MEMORY_TASKS:
            return getattr(self.memory_tasks, task)(self.rng, rows)
        count = max(2, rows // 512 * FUNCTION_TASKS[task] // 2)
        return getattr(self.function_tasks, task)(self.sampler.batch(self.step, count), self.rng)

    def save(self) -> None:
        a, config = self.options, self.config
        out = a.run / "decayed" if self.schedule.annealing else a.run
        for name, model, ratios, part in (
            ("memory", self.appended, [self.lowest], "dense_memory"),
            ("sparse", self.in_place, self.higher, "memory"),
        ):
            shape = {"rank": model.rank, "in_place": model.in_place}
            save(
                out / f"{name}.pt", model.trained(), config, export=memory_part(model, ratios, a.segment, part), **shape
            )
        state = {**self.progress(), "cursor": None, "cursors": self.texts.cursors(), "data": str(a.tokens)}
        if self.schedule.annealing:
            state["optimizer"] = None  # an annealed run is not resumed
        save(out / "last.pt", self.base, config, **state)


if __name__ == "__main__":
    print(json.dumps(Joint.main()))
