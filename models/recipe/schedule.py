"""How long a stage trains, and the factor of its learning rate along the way."""

from __future__ import annotations

import argparse
import math
import signal
import time
from typing import Any


class Stop:
    """True once SIGTERM or SIGINT came or the minutes are over (0: no limit). The loop then saves and ends."""

    def __init__(self, minutes: float = 0):
        self.until = time.time() + minutes * 60 if minutes else None
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: Any) -> None:
        self.asked = True

    def __bool__(self) -> bool:
        return self.asked or (self.until is not None and time.time() > self.until)


class Budget:
    """Trains for --steps steps or --minutes minutes, whichever ends first. The rate falls at the end.

    The rate warms up over --warmup steps and falls over the last --decay share of the budget. A run that is given
    only minutes is annealed too. `done` is the number of steps done before this process began.
    """

    @staticmethod
    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--steps", type=int, default=0, help="end after so many steps in all (0: no limit)")
        parser.add_argument("--minutes", type=float, default=0, help="end after so many minutes (0: no limit)")
        parser.add_argument("--warmup", type=int, default=20, help="steps in which the rate rises")
        parser.add_argument("--decay", type=float, default=0.2, help="share of the budget in which the rate falls")

    def __init__(self, options: argparse.Namespace, done: int = 0):
        self.steps, self.minutes = options.steps, options.minutes
        self.warmup, self.decay, self.done = options.warmup, options.decay, done
        self.started = time.time()
        self.stop = Stop()

    def progress(self, step: int) -> float:
        """Share of the budget that is spent, by steps or by minutes, whichever is further."""
        by_steps = step / self.steps if self.steps else 0.0
        by_time = (time.time() - self.started) / (self.minutes * 60) if self.minutes else 0.0
        return max(by_steps, by_time)

    def more(self, step: int) -> bool:
        return not self.stop and self.progress(step) < 1.0

    def factor(self, step: int) -> float:
        """Factor of the peak rate: linear up, 1, then 1 - sqrt(share of the decay that is done)."""
        warm = min(1.0, (step - self.done + 1) / max(1, self.warmup))
        left = max(0.0, 1.0 - self.progress(step))
        return warm if left >= self.decay else warm * (1.0 - math.sqrt(1.0 - left / self.decay))


class Stable:
    """Holds the rate at its peak until it is told to anneal (warm-up, stable, decay).

    A run without --decay goes on for as long as it is given. With --decay or --decay-minutes the rate falls to nothing
    over that many steps or minutes, and the run ends there. One stable run can so be annealed at several places.
    """

    @staticmethod
    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--steps", type=int, default=0, help="end after so many steps in all (0: no limit)")
        parser.add_argument("--minutes", type=float, default=0, help="end after so many minutes (0: no limit)")
        parser.add_argument("--warmup", type=int, default=100, help="steps in which the rate rises")
        parser.add_argument("--decay", type=int, default=0, help="anneal last.pt for so many steps, then end")
        parser.add_argument("--decay-minutes", type=float, default=0, help="anneal last.pt for so many minutes")

    def __init__(self, options: argparse.Namespace, done: int = 0):
        self.steps, self.warmup, self.done = options.steps, options.warmup, done
        self.decay, self.decay_minutes = options.decay, options.decay_minutes
        self.annealing = bool(options.decay or options.decay_minutes)
        self.started = time.time()
        self.stop = Stop(options.minutes)

    def decayed(self, step: int) -> float:
        """Share of the decay that is done, by steps or by minutes, whichever is further."""
        by_steps = (step - self.done) / self.decay if self.decay else 0.0
        by_time = (time.time() - self.started) / 60 / self.decay_minutes if self.decay_minutes else 0.0
        return max(by_steps, by_time)

    def more(self, step: int) -> bool:
        finished = self.steps and not self.annealing and step >= self.steps
        return not self.stop and self.decayed(step) < 1.0 and not finished

    def factor(self, step: int) -> float:
        """Factor of the peak rate: linear up from step 0, 1, then 1 - sqrt(share of the decay that is done)."""
        warm = min(1.0, (step + 1) / max(1, self.warmup))
        return warm * (1.0 - math.sqrt(min(1.0, self.decayed(step))))
