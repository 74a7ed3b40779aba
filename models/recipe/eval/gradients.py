"""How near the incremental estimators come to full back-propagation.

    python -m recipe.eval.gradients --base FILE --memory FILE --tokens DIR

For one chain of segments, reservoirs of S = 1, 2, 4 memories and many draws of the reservoir, with the compensating
factor and without (UIO-LLMs, Table 4):

    norm_ratio   |mean estimate| / |full gradient|: 1 if unbiased. `noise` is the mean's own noise, by halves
    along        mean of (estimate . full) / |full|^2 with its 95% interval over draws: unbiased means 1 is inside
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recipe.checkpoint import load_model, read
from recipe.config import home
from recipe.machine import machine_arguments, set_up
from recipe.model.memory_slots import MemoryModel, restored
from recipe.tasks.chains import Chain, chain
from recipe.tasks.memory_gradients import continuation_gradient
from recipe.tokens.store import Tokens


def gradient(model: MemoryModel, data: Chain, ratio: int, size: int, draw: int, compensate: bool, where) -> Tensor:
    """One estimate of the whole gradient, f64 [parameters]."""
    model.zero_grad(set_to_none=True)
    continuation_gradient(model, data, ratio, size, random.Random(draw), compensate, where)
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).double().cpu()


def measure(model: MemoryModel, data: Chain, ratio: int, sizes: list[int], draws: int, where) -> dict:
    exact = gradient(model, data, ratio, 0, 0, True, where)
    report: dict = {"segments": data.ids.shape[1], "draws": draws, "full_norm": float(exact.norm())}
    half = draws // 2
    for size in sizes:
        for compensate in (True, False):
            some = torch.stack([gradient(model, data, ratio, size, draw, compensate, where) for draw in range(draws)])
            along = (some @ exact / exact.dot(exact)).numpy()
            mean, spread = float(along.mean()), 1.96 * float(along.std(ddof=1)) / draws**0.5
            report[f"S{size}_{'compensated' if compensate else 'biased'}"] = {
                "norm_ratio": float(some.mean(0).norm() / exact.norm()),
                "noise": float((some[:half].mean(0) - some[half:].mean(0)).norm() / 2 / exact.norm()),
                "along": [mean, mean - spread, mean + spread],
            }
    return report


def main(argv: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=home() / "runs/pretrain/decayed.pt")
    parser.add_argument("--memory", type=Path, help="a checkpoint of the memory stage (default: an untrained one)")
    parser.add_argument("--tokens", type=Path, default=home() / "tokens")
    parser.add_argument("--segments", type=int, default=8)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--ratio", type=int, default=8)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--draws", type=int, default=64)
    machine_arguments(parser)
    a = parser.parse_args(argv)
    where = set_up(a)
    state = read(a.memory) if a.memory else None
    model = restored(load_model(a.base), state or {"rank": 32, "weights": {}})
    if not state:  # a change of zero gives its first factor no gradient: start a little off it
        for name, p in model.named_parameters():
            if name.endswith(".b"):
                torch.nn.init.normal_(p, std=0.02)
    model.to(where)
    rng = np.random.default_rng(a.seed)
    data = chain(Tokens(a.tokens, "valid"), rng, 1, a.segments, a.length, anchors=False).to(where)
    report = measure(model, data, a.ratio, a.sizes, a.draws, where)
    print(json.dumps(report, indent=1))
    return report


if __name__ == "__main__":
    main()
