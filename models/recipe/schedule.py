"""How long a stage trains, and its learning rate along the way."""

from __future__ import annotations

import math
import signal
import time
from typing import Any


class Stop:
    """True once SIGTERM or SIGINT came or the minutes are over: the loop then saves and ends."""

    def __init__(self, minutes: float = 0):
        self.until = time.time() + minutes * 60 if minutes else None
        self.asked = False
        for s in (signal.SIGTERM, signal.SIGINT):
            signal.signal(s, self._ask)

    def _ask(self, *_: Any) -> None:
        self.asked = True

    def __bool__(self) -> bool:
        return self.asked or (self.until is not None and time.time() > self.until)


class Budget:
    """A stage's length in steps, minutes or both (0: not limited by it), and its learning rate's factor along the way.

    The factor warms up over `warmup` steps and falls over the last `decay` share of the budget, whichever limit comes first,
    so that a run given only minutes is annealed too.
    """

    def __init__(self, steps: int, minutes: float, done: int = 0, warmup: int = 20, decay: float = 0.2):
        self.steps, self.minutes, self.done, self.warmup, self.decay = steps, minutes, done, warmup, decay
        self.started = time.time()
        self.stop = Stop()

    def progress(self, step: int) -> float:
        return max(
            step / self.steps if self.steps else 0.0,
            (time.time() - self.started) / (self.minutes * 60) if self.minutes else 0.0,
        )

    def more(self, step: int) -> bool:
        return not self.stop and self.progress(step) < 1.0

    def factor(self, step: int) -> float:
        warm = min(1.0, (step - self.done + 1) / max(1, self.warmup))
        left = max(0.0, 1.0 - self.progress(step))
        if left >= self.decay:
            return warm
        return warm * (1.0 - (1.0 - left / self.decay) ** 0.5)


def wsd(step: int, warmup: int, decayed: float) -> float:
    """Warm-up, stable, decay: linear up, 1, then 1 - sqrt(share of the decay that is done)."""
    return min(1.0, (step + 1) / max(1, warmup)) * (1.0 - math.sqrt(min(1.0, max(0.0, decayed))))
