"""Stage 8, slots in place alone: `python -m recipe.stages.anchors --base RUN/last.pt --state RUN/sparse.pt --tokens DIR --functions DIR --run DIR`.

A context's coarse and fine rows have two offices: what follows is read behind them, and a question's attention chooses among them (selecting.py). In the
joint stage, where choosing had the larger share, the rows became worse than none for reading (README, "Choosing"). Here the base is at rest and each
step adds both gradients, choosing with a small weight. Begins with --state's slots (those from before choosing was taught do best), ends after --minutes
or --steps, writes RUN/last.pt, resumes from it, and puts RUN/sparse.pt, what export.py takes, at --share of the way from the slots it began with: choosing
grows with it, and reading stays for a while.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from recipe.checkpoint import load_model, read, save
from recipe.config import home
from recipe.export.memory import export_part
from recipe.log import Log
from recipe.machine import autocast, machine_arguments, set_up
from recipe.model.memory_slots import restored
from recipe.model.optimizers import Optimizer
from recipe.schedule import Budget
from recipe.tasks.attention_selection import Selecting
from recipe.tasks.examples import Maker
from recipe.tasks.functions import Draw, documented
from recipe.tasks.functions import read as read_functions
from recipe.tasks.keys import KeyMaker
from recipe.tasks.memory_tasks import MemoryLessons
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import Tokens


def parser() -> argparse.ArgumentParser:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--base", type=Path, default=home() / "runs/joint/decayed/last.pt")
    args.add_argument("--state", type=Path, default=home() / "runs/joint/decayed/sparse.pt", help="slots to begin with")
    args.add_argument("--tokens", type=Path, default=home() / "tokens")
    args.add_argument("--functions", type=Path, required=True, help="folder or jsonl of functions.py")
    args.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    args.add_argument("--run", type=Path, default=home() / "runs/anchors")
    args.add_argument("--ratios", type=int, nargs="+", default=[256, 32])
    args.add_argument("--segment", type=int, default=256, help="rows of a segment of the past")
    args.add_argument(
        "--rows",
        type=int,
        default=3072,
        help="about how many rows a step's text costs; choosing costs two thirds of it",
    )
    args.add_argument("--choosing", type=float, default=0.15, help="weight of choosing beside reading")
    args.add_argument("--share", type=float, default=0.25, help="of the way from the first slots to the last")
    args.add_argument("--lr", type=float, default=1e-3)
    args.add_argument("--steps", type=int, default=0)
    args.add_argument("--minutes", type=float, default=10)
    machine_arguments(args)
    return args


def main(argv: list[str] | None = None) -> dict:
    a = parser().parse_args(argv)
    where = set_up(a)
    last, first = a.run / "last.pt", read(a.state)
    state = read(last) if last.exists() else first
    slots = restored(load_model(a.base), state).to(where)
    optimizer = Optimizer(slots, a.lr, "adamw", weight_decay=0.0)
    step = state.get("step", 0) if last.exists() else 0
    if last.exists() and state.get("optimizer"):
        optimizer.load_state_dict(state["optimizer"])
    tokens, encode = Tokens(a.tokens, "train"), Encoder(a.tokenizer)
    reading = MemoryLessons(slots, slots, tokens, KeyMaker(encode), a.ratios, a.segment, where)
    choosing = Selecting(
        slots, Maker(encode), Draw(documented(read_functions(a.functions)), a.seed), tokens, a.ratios, where
    )
    log, budget = Log(a.run / "log.jsonl"), Budget(a.steps, a.minutes, step, decay=0.5)
    log(event="start", step=step, base=str(a.base), state=str(a.state), choosing=a.choosing)
    losses: list[tuple[float, float]] = []
    while budget.more(step):
        rng = np.random.default_rng((a.seed, 8, step))
        with autocast(where):
            read_loss, choice_loss = reading.past(rng, a.rows), choosing.loss(step, rng, a.rows * 2 // 3)
        (read_loss + a.choosing * choice_loss).backward()
        losses.append((float(read_loss.detach()), float(choice_loss.detach())))
        optimizer.step(budget.factor(step))
        step += 1
        if step % 20 == 0:
            log(event="train", step=step, **dict(zip(("past", "select"), np.mean(losses, 0).tolist())))
            losses = []
    save(
        last,
        slots.trained(),
        slots.base.config,
        step=step,
        optimizer=optimizer.state_dict(),
        rank=slots.rank,
        in_place=slots.in_place,
    )
    begun, ended = restored(slots.base, first).trained(), slots.trained()
    slots.load_state_dict({k: begun[k].lerp(v.cpu(), a.share) for k, v in ended.items()}, strict=False)
    part = export_part(slots, a.ratios, a.segment)
    save(a.run / "sparse.pt", slots.trained(), slots.base.config, rank=slots.rank, in_place=slots.in_place, export=part)
    log(event="end", step=step)
    return {"step": step}


if __name__ == "__main__":
    print(json.dumps(main()))
