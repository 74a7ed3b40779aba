"""The skeleton of a training stage: arguments, seeds, resuming, the loop, the log, checkpoints.

A stage is a subclass of `Stage`. It says what is its own: its flags, its modules and data, the gradient of one step,
what it measures and what it saves. `Stage.main(argv)` does the rest.

A run folder holds `last.pt` and `log.jsonl`. A stage that finds `last.pt` goes on from there. It saves every
--save-seconds seconds and at its end. SIGTERM and Ctrl-C end it after the step that is under way, and it saves.
Each step draws from a generator seeded by its number, so a resumed run repeats no draw.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from recipe.checkpoint import read
from recipe.config import home
from recipe.log import Log
from recipe.machine import autocast, machine_arguments, set_up
from recipe.model.optimizers import Optimizer
from recipe.schedule import Budget, Stable

# Folders that several stages read: flag -> its place under the recipe's home, and its help.
DATA = {
    "tokens": ("tokens", "folder of recipe.tokens.store"),
    "tokenizer": ("tokenizer", "folder of recipe.tokens.tokenizer"),
}


class Stage:
    """One training stage. Subclasses override `arguments`, `build`, `begin`, `gradients`, `save`, and `check` or `evaluate`."""

    name: str  # of its run folder under the recipe's home
    schedule_type: type[Budget] | type[Stable] = Budget
    defaults: dict[str, Any] = {}  # of the common flags
    data: tuple[str, ...] = tuple(DATA)  # the flags of DATA that it takes
    salt: tuple[int, ...] = ()  # makes its draws differ from those of other stages
    log_steps = 20
    check_steps = 0  # steps between two calls of `check`; 0: at the end only
    clip = 1.0  # largest norm of a step's gradient

    optimizer: Optimizer | None = None
    schedule: Budget | Stable
    rng: np.random.Generator

    # The stage's own part.

    @classmethod
    def arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Adds the stage's own flags."""

    def build(self) -> None:
        """Makes the modules and `self.optimizer`, from `self.state` where a run is resumed."""

    def begin(self) -> dict:
        """Opens the training data; returns figures for the log's first entry."""
        return {}

    def gradients(self) -> None:
        """Adds the gradient of one step, mostly by `learn`."""
        raise NotImplementedError

    def check(self) -> dict:
        """Measures during training; returns figures for the log."""
        return {}

    def evaluate(self) -> dict:
        """Measures RUN/last.pt, for --evaluate."""
        raise NotImplementedError

    def save(self) -> None:
        """Writes the run's files."""
        raise NotImplementedError

    # The part of all stages.

    @classmethod
    def parser(cls) -> argparse.ArgumentParser:
        description = sys.modules[cls.__module__].__doc__
        parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        for flag in cls.data:
            place, text = DATA[flag]
            parser.add_argument(f"--{flag}", type=Path, default=home() / place, help=text)
        parser.add_argument("--run", type=Path, default=home() / "runs" / cls.name, help="folder of last.pt and log")
        parser.add_argument("--lr", type=float, default=1e-3, help="peak learning rate")
        parser.add_argument("--save-seconds", type=float, default=300, help="time between two checkpoints")
        cls.schedule_type.arguments(parser)
        machine_arguments(parser)
        if cls.evaluate is not Stage.evaluate:
            parser.add_argument("--evaluate", action="store_true", help="only measure RUN/last.pt")
        cls.arguments(parser)
        parser.set_defaults(**cls.defaults)
        return parser

    @classmethod
    def main(cls, argv: list[str] | None = None) -> dict:
        """Runs the command line; returns the figures of --evaluate, or where training ended."""
        stage = cls(cls.parser().parse_args(argv))
        stage.build()
        stage.resume()
        if getattr(stage.options, "evaluate", False):
            report = stage.evaluate()
            stage.log(event="evaluate", step=stage.step, **report)
            return report
        return stage.train()

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.device = set_up(options)
        self.log = Log(options.run / "log.jsonl")
        self.last = options.run / "last.pt"
        source = self.source()
        self.state = read(source) if source else None
        self.step, self.seen = 0, 0  # steps done, tokens read
        self.losses: dict[str, list[float]] = {}

    def source(self) -> Path | None:
        """The checkpoint to go on from, or None for a new run."""
        return self.last if self.last.exists() else None

    def resume(self) -> None:
        """Takes over the counts and the optimiser's state of `self.state`."""
        if self.state is None:
            return
        self.step, self.seen = self.state.get("step", 0), self.state.get("tokens", 0)
        if self.optimizer and self.state.get("optimizer"):
            self.optimizer.load_state_dict(self.state["optimizer"])

    def progress(self) -> dict:
        """Counts and optimiser state for the checkpoint. `resume` reads them."""
        return {"step": self.step, "tokens": self.seen, "optimizer": self.optimizer.state_dict()}

    def autocast(self):
        return autocast(self.device)

    def learn(self, name: str, loss: Tensor, share: float = 1.0) -> None:
        """Adds the gradient of share * loss; the log has the loss under `name`."""
        (loss * share).backward()
        self.record(name, float(loss.detach()))

    def record(self, name: str, loss: float) -> None:
        self.losses.setdefault(name, []).append(loss)

    def train(self) -> dict:
        self.log(
            event="start", step=self.step, tokens=self.seen, device=str(self.device), lr=self.options.lr, **self.begin()
        )
        self.schedule = self.schedule_type(self.options, self.step)
        self._restart_clock()
        saved = time.time()
        while self.schedule.more(self.step):
            self.rng = np.random.default_rng((self.options.seed, *self.salt, self.step))
            self.gradients()
            norm = self.optimizer.step(self.schedule.factor(self.step), self.clip)
            self.step += 1
            if self.step % self.log_steps == 0:
                self._log_training(norm)
            if self.check_steps and self.step % self.check_steps == 0:
                self._log_check()
            if time.time() - saved > self.options.save_seconds:
                self.save()
                saved = time.time()
        report = self._log_check()
        self.save()
        self.log(event="end", step=self.step, tokens=self.seen)
        return {"step": self.step, "tokens": self.seen, **report}

    def _log_training(self, norm: float) -> None:
        """Logs the mean losses and the speed since the last such entry."""
        seconds, steps = time.time() - self._clock, max(1, self.step - self._clock_step)
        entry = {name: float(np.mean(values)) for name, values in sorted(self.losses.items())}
        entry |= {"norm": norm, "seconds_per_step": seconds / steps}
        if self.seen > self._clock_seen:
            entry |= {"tokens": self.seen, "tokens_per_second": (self.seen - self._clock_seen) / seconds}
        self.log(event="train", step=self.step, **entry)
        self._restart_clock()

    def _log_check(self) -> dict:
        report = self.check()
        if report:
            self.log(event="check", step=self.step, **report)
            self._restart_clock()  # measuring is no part of the training speed
        return report

    def _restart_clock(self) -> None:
        self._clock, self._clock_step, self._clock_seen = time.time(), self.step, self.seen
        self.losses = {}


def drawn(names: tuple[str, ...], shares: list[float], rng: np.random.Generator) -> str:
    """One of the names, drawn with the chances that `shares` give after they are scaled to sum to 1."""
    return names[rng.choice(len(names), p=np.array(shares) / sum(shares))]
