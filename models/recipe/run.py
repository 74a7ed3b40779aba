"""What every stage shares: device, precision, compilation, seeds, checkpoints, and a log in jsonl."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from config import ModelConfig
from model import Llama


def device(name: str = "auto") -> torch.device:
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def autocast(where: torch.device, enabled: bool = True):
    """bf16 on a GPU, and on a CPU that has bf16 instructions; elsewhere f32 is faster."""
    if not enabled or (where.type == "cpu" and not _cpu_bf16()):
        return contextlib.nullcontext()
    return torch.autocast(where.type, dtype=torch.bfloat16)


def _cpu_bf16() -> bool:
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text() and hasattr(torch, "compile")
    except OSError:
        return False


def compiled(module, enabled: bool = True):
    """torch.compile where there is one that works, else the module itself."""
    return torch.compile(module, dynamic=False) if enabled and hasattr(torch, "compile") else module


def machine_arguments(args) -> None:
    """The flags of every training stage that say where it runs and from which seed; `set_up` obeys them."""
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--device", default="auto")
    args.add_argument("--threads", type=int, default=0)


def set_up(a) -> torch.device:
    """Seeds everything, sets the threads asked for (0: PyTorch's choice) and names the device."""
    if a.threads:
        torch.set_num_threads(a.threads)
    seed_all(a.seed)
    return device(a.device)


def seed_all(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class Log:
    """Appends one JSON object a line, with the wall time; also prints it."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(path, "a")

    def __call__(self, **entry: Any) -> None:
        entry = {"time": round(time.time(), 1), **{k: round(v, 5) if isinstance(v, float) else v for k, v in entry.items()}}
        line = json.dumps(entry)
        self.file.write(line + "\n")
        self.file.flush()
        print(line, flush=True)


def save(path: Path, model: nn.Module | dict, config: ModelConfig, **state: Any) -> None:
    """Weights (of a module, or tensors by name), shape and whatever a resume needs; written beside and renamed, so a crash leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    if isinstance(model, Llama):
        state = {"factors": model.rope.factors, "rope_scale": model.rope.scale, "window": model.window, **state}
    torch.save({"config": asdict(config), "weights": model if isinstance(model, dict) else plain_state(model), **state}, beside)
    os.replace(beside, path)


def plain_state(model: nn.Module) -> dict:
    return {k.replace("_orig_mod.", ""): v.detach() for k, v in model.state_dict().items()}


def read(path: Path) -> dict:
    """A checkpoint written by `save`, on the CPU."""
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except TypeError:  # PyTorch 1.13 has no weights_only
        return torch.load(path, map_location="cpu")


def load_model(path: Path, **kwargs: Any) -> Llama:
    """From a training checkpoint (a .pt file) or from an exported folder (config.json, model.safetensors)."""
    path = Path(path)
    if path.is_dir():
        from export import read_folder  # here: export imports this module

        return read_folder(path, **kwargs)
    state = read(path)
    extra = {"factors": state.get("factors"), "rope_scale": state.get("rope_scale", 1.0), **kwargs}
    model = Llama(ModelConfig(**state["config"]), **extra)
    model.window = state.get("window") or model.window
    missing = model.load_state_dict(state["weights"], strict=False)
    if missing.missing_keys:
        raise SystemExit(f"{path} lacks {missing.missing_keys[:3]}")
    return model


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
        return max(step / self.steps if self.steps else 0.0,
                   (time.time() - self.started) / (self.minutes * 60) if self.minutes else 0.0)

    def more(self, step: int) -> bool:
        return not self.stop and self.progress(step) < 1.0

    def factor(self, step: int) -> float:
        warm = min(1.0, (step - self.done + 1) / max(1, self.warmup))
        left = max(0.0, 1.0 - self.progress(step))
        if left >= self.decay:
            return warm
        return warm * (1.0 - (1.0 - left / self.decay) ** 0.5)
