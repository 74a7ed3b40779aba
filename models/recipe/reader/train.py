"""Answers, abstention and gists: `python -m recipe.reader.train --base DIR --rows DIR --run DIR`.

LoRA on every matrix of the layers from --first on; the loss falls on answers only. The rate warms up and stays, so that
the run can go on whenever there is time; what is exported is a running mean of the adapter, which stands in for a decay.
Resumes from RUN/last.pt (adapter, mean, optimiser, place in the data); writes RUN/adapter (PEFT, f16) and RUN/log.jsonl.
Runs on a CPU in f32 and on a GPU in bf16 (--batch 16 --accumulate 1).
"""

from __future__ import annotations

import argparse
import os
import random
import time
from pathlib import Path

import torch
from torch import Tensor

from recipe.checkpoint import read
from recipe.config import home
from recipe.log import Log
from recipe.machine import autocast, machine_arguments, set_up
from recipe.model.loss import IGNORE, cross_entropy
from recipe.model.masks import visible
from recipe.model.transformer import Llama
from recipe.reader.adapter import adapt_layers, adapter_state, save_adapter
from recipe.reader.base import load_base
from recipe.reader.rows import Batch, Row, batch, read_parts
from recipe.schedule import Budget


def parser() -> argparse.ArgumentParser:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--base", type=Path, default=home() / "reader/base")
    args.add_argument("--rows", type=Path, default=home() / "reader/rows")
    args.add_argument("--run", type=Path, default=home() / "reader/runs/answers")
    args.add_argument("--first", type=int, default=10, help="the first adapted layer")
    args.add_argument("--rank", type=int, default=16)
    args.add_argument("--alpha", type=float, default=32.0)
    args.add_argument("--gists", type=float, default=0.3, help="the share of rows that hold gists")
    args.add_argument("--batch", type=int, default=1, help="rows side by side")
    args.add_argument("--accumulate", type=int, default=1, help="batches a step")
    args.add_argument("--lr", type=float, default=7e-4)
    args.add_argument("--mean", type=float, default=0.98, help="what the exported mean keeps of itself a step")
    args.add_argument("--warmup", type=int, default=20)
    args.add_argument("--steps", type=int, default=0, help="0: as long as --minutes, or until stopped")
    args.add_argument("--minutes", type=float, default=0)
    args.add_argument("--save-seconds", type=float, default=240)
    args.add_argument("--validate-steps", type=int, default=100, help="steps between two validations; 0: none")
    args.add_argument("--validate-rows", type=int, default=6, help="rows of either kind")
    machine_arguments(args)
    return args


def row_loss(model: Llama, b: Batch) -> tuple[Tensor, int]:
    """Mean nats over the answers' tokens, and their number."""
    hidden = model(b.ids, b.positions, visible(b.layout))
    loss, _ = cross_entropy(hidden, model.model.embed_tokens.weight, b.targets)
    return loss, int((b.targets != IGNORE).sum())


def moved(b: Batch, where: torch.device) -> Batch:
    return Batch(b.ids.to(where), b.positions.to(where), b.targets.to(where), type(b.layout)(*(x.to(where) for x in b.layout)))


class Feed:
    """Rows in a seeded order, of which any step can be had again: what is drawn depends on the step alone."""

    def __init__(self, answers: list[Row], gists: list[Row], share: float, seed: int):
        self.kinds = (answers, gists)
        self.share, self.seed = share, seed
        self.orders: dict[tuple[int, int], list[int]] = {}

    def row(self, place: int) -> Row:
        # How many gist rows come before this place, at their share.
        gists = int(place * self.share)
        is_gist = int((place + 1) * self.share) > gists
        rows, at = self.kinds[is_gist], gists if is_gist else place - gists
        epoch, index = divmod(at, len(rows))
        key = (int(is_gist), epoch)
        if key not in self.orders:
            order = list(range(len(rows)))
            random.Random(f"{self.seed} {key}").shuffle(order)
            self.orders = {k: v for k, v in self.orders.items() if k[0] != key[0]} | {key: order}
        return rows[self.orders[key][index]]


@torch.no_grad()
def validate(model: Llama, rows: dict[str, list[Row]], where: torch.device) -> dict[str, float]:
    """Nats a token of answers, by kind of row."""
    found = {}
    for kind, some in rows.items():
        nats, tokens = 0.0, 0
        for row in some:
            with autocast(where):
                loss, count = row_loss(model, moved(batch([row]), where))
            nats, tokens = nats + float(loss) * count, tokens + count
        found[kind] = nats / max(1, tokens)
    return found


class Mean:
    """A running mean of the adapter, corrected for its beginning."""

    def __init__(self, state: dict[str, Tensor], keep: float):
        self.keep, self.weight = keep, 0.0
        self.sums = {name: torch.zeros_like(value, dtype=torch.float32) for name, value in state.items()}

    def add(self, state: dict[str, Tensor]) -> None:
        self.weight = self.keep * self.weight + 1 - self.keep
        for name, value in state.items():
            self.sums[name].lerp_(value.float(), 1 - self.keep)

    def value(self) -> dict[str, Tensor]:
        return {name: value / max(self.weight, 1e-8) for name, value in self.sums.items()}


def main(argv: list[str] | None = None) -> None:
    a = parser().parse_args(argv)
    where = set_up(a)
    model = adapt_layers(load_base(a.base), a.rank, a.alpha, a.first).to(where)
    if where.type == "cuda":  # frozen weights in half precision; what is trained stays in f32
        for p in model.parameters():
            if not p.requires_grad:
                p.data = p.data.to(torch.bfloat16)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=a.lr, betas=(0.9, 0.98), weight_decay=0.0)
    mean = Mean(adapter_state(model), a.mean)
    step, seen, said, seconds = 0, 0, 0, 0.0
    last = a.run / "last.pt"
    if last.exists():
        state = read(last)
        model.load_state_dict(state["adapter"], strict=False)
        mean.sums, mean.weight = {k: v.to(where) for k, v in state["mean"].items()}, state["mean_weight"]
        optimizer.load_state_dict(state["optimizer"])
        step, seen, said, seconds = state["step"], state["seen"], state["said"], state["seconds"]
    log = Log(a.run / "log.jsonl")
    feed = Feed(read_parts(a.rows / "train-answers"), read_parts(a.rows / "train-gists"), a.gists, a.seed)
    held = {kind: read_parts(a.rows / f"valid-{kind}")[: a.validate_rows] for kind in ("answers", "gists")}
    log(event="start", step=step, trained=sum(p.numel() for p in trained), device=str(where), threads=torch.get_num_threads())

    def keep() -> None:
        a.run.mkdir(parents=True, exist_ok=True)
        torch.save(
            {
                "adapter": adapter_state(model), "mean": mean.sums, "mean_weight": mean.weight, "optimizer": optimizer.state_dict(),
                "step": step, "seen": seen, "said": said, "seconds": seconds, "rank": a.rank, "alpha": a.alpha, "first": a.first,
            },
            last.with_suffix(".new"),
        )
        os.replace(last.with_suffix(".new"), last)
        save_adapter(mean.value(), a.run / "adapter", a.rank, a.alpha, a.first, model.config.num_hidden_layers, a.base.name)

    budget = Budget(a.steps, a.minutes, step, a.warmup, decay=0.0)
    started, saved, each = time.time(), time.time(), a.batch * a.accumulate
    if step == 0 and a.validate_steps:
        log(event="valid", step=0, **validate(model, held, where))
    while budget.more(step):
        begun, losses, tokens = time.process_time(), 0.0, 0
        for part in range(a.accumulate):
            place = step * each + part * a.batch
            b = moved(batch([feed.row(place + i) for i in range(a.batch)], 64 if where.type == "cuda" else 1), where)
            with autocast(where):
                loss, count = row_loss(model, b)
            (loss / a.accumulate).backward()
            losses, tokens, said = losses + float(loss) / a.accumulate, tokens + b.ids.numel(), said + count
        norm = float(torch.nn.utils.clip_grad_norm_(trained, 1.0))
        for group in optimizer.param_groups:
            group["lr"] = a.lr * budget.factor(step)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        mean.add(adapter_state(model))
        step, seen, cpu = step + 1, seen + tokens, time.process_time() - begun
        log(step=step, loss=losses, norm=norm, tokens=seen, said=said, cpu_rate=tokens / max(cpu, 1e-6), rate=seen / max(1e-6, seconds + time.time() - started))
        if a.validate_steps and step % a.validate_steps == 0:
            log(event="valid", step=step, **validate(model, held, where))
        if time.time() - saved > a.save_seconds:
            seconds, started = seconds + time.time() - started, time.time()
            keep()
            saved = time.time()
    seconds += time.time() - started
    keep()
    log(event="end", step=step, tokens=seen, said=said, seconds=seconds)


if __name__ == "__main__":
    main()
