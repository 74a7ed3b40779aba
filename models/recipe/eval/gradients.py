"""How near the incremental estimators come to full back-propagation: `python -m recipe.eval.gradients --base FILE --tokens DIR`.

For one chain of segments and reservoirs of S = 1, 2, 4, over many draws of the reservoir:
  norm_ratio   |mean estimate| / |full gradient| (1 if unbiased; the mean's own noise is given as `noise`, by halves)
  along        mean of (estimate . full) / |full|^2, with its 95% interval over draws: unbiased means 1 is inside
with the compensating factor and without (UIO-LLMs, Table 4).
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch

from recipe.checkpoint import load_model, read
from recipe.config import home
from recipe.machine import device, seed_all
from recipe.model.memory_slots import MemoryModel, restored
from recipe.tasks.chains import chain
from recipe.tasks.memory_gradients import continuation
from recipe.tokens.store import Tokens


def gradient(model: MemoryModel, data, ratio: int, size: int, draw: int, compensate: bool, where) -> torch.Tensor:
    model.zero_grad(set_to_none=True)
    continuation(model, data, ratio, size, random.Random(draw), compensate, where)
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).double().cpu()


def measure(model: MemoryModel, data, ratio: int, sizes: list[int], draws: int, where) -> dict:
    exact = gradient(model, data, ratio, 0, 0, True, where)
    report: dict = {"segments": data.ids.shape[1], "draws": draws, "full_norm": float(exact.norm())}
    for size in sizes:
        for compensate in (True, False):
            some = torch.stack([gradient(model, data, ratio, size, d, compensate, where) for d in range(draws)])
            along = (some @ exact / exact.dot(exact)).numpy()
            half = draws // 2
            noise = float((some[:half].mean(0) - some[half:].mean(0)).norm() / 2 / exact.norm())
            spread = 1.96 * float(along.std(ddof=1)) / draws**0.5
            report[f"S{size}_{'compensated' if compensate else 'biased'}"] = {
                "norm_ratio": float(some.mean(0).norm() / exact.norm()),
                "noise": noise,
                "along": [float(along.mean()), float(along.mean()) - spread, float(along.mean()) + spread],
            }
    return report


def main(argv: list[str] | None = None) -> dict:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--base", type=Path, default=home() / "runs/pretrain/decayed.pt")
    args.add_argument("--memory", type=Path, help="a memory.py checkpoint (default: an untrained one)")
    args.add_argument("--tokens", type=Path, default=home() / "tokens")
    args.add_argument("--segments", type=int, default=8)
    args.add_argument("--length", type=int, default=64)
    args.add_argument("--ratio", type=int, default=8)
    args.add_argument("--sizes", type=int, nargs="+", default=[1, 2, 4])
    args.add_argument("--draws", type=int, default=64)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--device", default="auto")
    a = args.parse_args(argv)
    seed_all(a.seed)
    where = device(a.device)
    state = read(a.memory) if a.memory else None
    model = restored(load_model(a.base), state or {"rank": 32, "weights": {}})
    if not state:  # a change of zero gives its first factor no gradient: start a little off it
        for name, p in model.named_parameters():
            if name.endswith(".b"):
                torch.nn.init.normal_(p, std=0.02)
    model.to(where)
    data = chain(Tokens(a.tokens, "valid"), np.random.default_rng(a.seed), 1, a.segments, a.length, anchors=False)
    data = data._replace(ids=data.ids.to(where), targets=data.targets.to(where))
    report = measure(model, data, a.ratio, a.sizes, a.draws, where)
    print(json.dumps(report, indent=1))
    return report


if __name__ == "__main__":
    main()
