"""Where a stage runs: device, precision, compilation and seeds."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import numpy as np
import torch


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
