"""Stage 1, next-token prediction under a mix of masks: `python -m recipe.stages.pretrain --tokens DIR --run DIR`.

Resumes from RUN/last.pt (weights, optimiser, place in the data) by itself; `--init FILE` starts a run from weights alone.
The rate stays at its peak (warm-up, stable, decay): `--decay N` reads RUN/last.pt, anneals it for N steps and writes
RUN/decayed.pt, leaving last.pt as it was, so that the stable run can go on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from recipe.checkpoint import load_model, read, save
from recipe.config import PRESETS, ModelConfig, home
from recipe.eval.validation import held_out, validate
from recipe.log import Log
from recipe.machine import autocast, compiled, machine_arguments, set_up
from recipe.model.optimizers import Optimizer
from recipe.model.transformer import Llama, parameter_count
from recipe.schedule import Stop, wsd
from recipe.tasks.text import batch_loss
from recipe.tokens.rows import KINDS, SHARES, Stream, prefetch
from recipe.tokens.store import Tokens


def parser() -> argparse.ArgumentParser:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--tokens", type=Path, default=home() / "tokens")
    args.add_argument("--run", type=Path, default=home() / "runs/pretrain")
    args.add_argument("--init", type=Path, help="weights to start from when RUN/last.pt is not there")
    args.add_argument("--preset", choices=PRESETS, default="8m")
    args.add_argument("--vocab", type=int, help="overrides the preset's")
    args.add_argument("--batch", type=int, default=16, help="rows per micro-batch")
    args.add_argument("--accumulate", type=int, default=1, help="micro-batches per step")
    args.add_argument("--seq", type=int, help="tokens per row (default: the preset's window)")
    args.add_argument("--chunk", type=int, default=512, help="rows of logits held at once (raise on a GPU)")
    args.add_argument("--lr", type=float, default=3e-3)
    args.add_argument("--optimizer", choices=("muon", "adamw"), default="muon")
    args.add_argument("--shares", type=float, nargs=len(KINDS), default=SHARES, metavar="S", help=f"of {KINDS}")
    args.add_argument("--warmup", type=int, default=100)
    args.add_argument("--decay", type=int, default=0, help="anneal last.pt for so many steps into decayed.pt, then end")
    args.add_argument("--decay-minutes", type=float, default=0, help="the same, as long as this")
    args.add_argument("--steps", type=int, default=0, help="end after so many steps in all (0: never)")
    args.add_argument("--minutes", type=float, default=0, help="end after so many minutes (0: never)")
    args.add_argument("--save-seconds", type=float, default=300)
    args.add_argument("--valid-steps", type=int, default=200)
    args.add_argument("--valid-rows", type=int, default=32)
    machine_arguments(args)
    args.add_argument("--no-compile", action="store_true")
    return args


def main(argv: list[str] | None = None) -> dict:
    a = parser().parse_args(argv)
    where = set_up(a)
    last = a.run / "last.pt"
    state = read(last) if last.exists() else None
    config = ModelConfig(**state["config"]) if state else PRESETS[a.preset]
    if a.vocab and not state:
        config = config.with_vocab(a.vocab)
    model = load_model(last) if state else load_model(a.init) if a.init else Llama(config, seed=a.seed)
    config = model.config
    model.to(where)
    optimizer = Optimizer(model, a.lr, a.optimizer)
    step, seen, cursor = 0, 0, None
    if state:
        step, seen = state["step"], state["tokens"]
        if state.get("optimizer") and state.get("optimizer_kind") == a.optimizer:
            optimizer.load_state_dict(state["optimizer"])
        # The place in the data only means something for the same data: other tokens start from their beginning.
        cursor = state["cursor"] if state.get("data") == str(a.tokens) else {"rows": state["cursor"]["rows"]}
    length = a.seq or config.max_position_embeddings
    stream = Stream(Tokens(a.tokens, "train"), a.seed, cursor, a.shares)
    valid = held_out(a.tokens, a.valid_rows, min(a.batch, a.valid_rows), length)
    trunk = compiled(model, not a.no_compile)
    annealing, begun, began = bool(a.decay or a.decay_minutes), time.time(), step
    log, stop = Log(a.run / "log.jsonl"), Stop(a.minutes)
    log(
        event="start",
        step=step,
        parameters=parameter_count(model),
        tokens=seen,
        data=str(a.tokens),
        batch=a.batch,
        accumulate=a.accumulate,
        seq=length,
        lr=a.lr,
        optimizer=a.optimizer,
        device=str(where),
        torch=torch.__version__,
        row_bytes=config.row_bytes,
        annealing=annealing,
    )
    target = a.run / ("decayed.pt" if annealing else "last.pt")

    def decayed() -> float:
        """Share of the decay that is done, by steps or minutes, whichever is further."""
        return max(
            (step - began) / a.decay if a.decay else 0.0,
            (time.time() - begun) / 60 / a.decay_minutes if a.decay_minutes else 0.0,
        )

    batches = prefetch(stream, a.batch, length)
    report: dict = {}

    def checkpoint() -> None:
        save(
            target,
            model,
            config,
            step=step,
            tokens=seen,
            cursor=cursor,
            data=str(a.tokens),
            optimizer=optimizer.state_dict(),
            optimizer_kind=a.optimizer,
        )

    def check() -> None:
        model.eval()
        report.update(validate(model, trunk, valid, where))
        model.train()
        log(event="valid", step=step, tokens=seen, **{f"valid_{k}": v for k, v in report.items()})

    saved = logged = time.time()
    since, total = 0, 0.0
    while not stop and decayed() < 1.0 and not (a.steps and not annealing and step >= a.steps):
        losses = 0.0
        for _ in range(a.accumulate):
            batch = next(batches)
            cursor = batch.cursor
            batch = batch.to(where)
            with autocast(where):
                loss, _ = batch_loss(model, trunk, batch, a.chunk)
            (loss / a.accumulate).backward()
            losses += float(loss.detach()) / a.accumulate
        norm = optimizer.step(wsd(step, a.warmup, decayed()))
        step += 1
        fresh = a.batch * length * a.accumulate
        seen, since, total = seen + fresh, since + fresh, total + losses
        now = time.time()
        if step % 20 == 0:
            log(
                event="train",
                step=step,
                tokens=seen,
                loss=total / (since / fresh),
                norm=norm,
                tokens_per_second=since / (now - logged),
            )
            since, total, logged = 0, 0.0, now
        if a.valid_steps and step % a.valid_steps == 0:
            check()
            logged, since, total = time.time(), 0, 0.0
        if now - saved > a.save_seconds:
            checkpoint()
            saved = now
    check()
    checkpoint()
    log(event="end", step=step, tokens=seen)
    return {"step": step, "tokens": seen, **report}


if __name__ == "__main__":
    main()
