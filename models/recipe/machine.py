"""Where a command runs: device, precision, compilation, seeds."""

from __future__ import annotations

import argparse
import contextlib
import random
from pathlib import Path

import numpy as np
import torch


def device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" is a GPU where there is one, else the CPU."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def autocast(where: torch.device):
    """A context of bf16 arithmetic on a GPU and on a CPU with bf16 instructions. Elsewhere f32 is faster and stays."""
    return torch.autocast(where.type, dtype=torch.bfloat16) if low_precision(where) else contextlib.nullcontext()


def low_precision(where: torch.device) -> bool:
    """Whether `autocast` computes in bf16 there."""
    return where.type != "cpu" or _cpu_has_bf16()


def _cpu_has_bf16() -> bool:
    try:
        # PyTorch 1 has bf16 on a CPU, but it is slower there than f32.
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text() and hasattr(torch, "compile")
    except OSError:
        return False


def compiled(module, enabled: bool = True):
    """The module through torch.compile. PyTorch 1 has no compiler: there the module itself comes back."""
    return torch.compile(module, dynamic=False) if enabled and hasattr(torch, "compile") else module


def machine_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that `set_up` reads."""
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, ... (default: a GPU where there is one)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: PyTorch's choice)")


def set_up(options: argparse.Namespace) -> torch.device:
    """Seeds every generator and sets the threads; returns the device."""
    if options.threads:
        torch.set_num_threads(options.threads)
    random.seed(options.seed)
    np.random.seed(options.seed)
    torch.manual_seed(options.seed)
    return device(options.device)
