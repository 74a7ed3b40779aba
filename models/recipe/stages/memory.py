"""Stage 3, segment memories: `python -m recipe.stages.memory --base RUN/decayed.pt --tokens DIR --tokenizer DIR --run DIR`.

Only the slots' vector, their low-rank changes and the transfer head are trained. Each step draws a task: continuation of a
chain of segments from the memories of its past (incremental back-propagation, tbptt.py), auto-encoding (<|repeat|> and the
memories give the text again), copying random keys, or answering a question about a needle. Resumes from RUN/last.pt; `--evaluate` measures, `--steps` ends.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np

from recipe.checkpoint import load_model, read, save
from recipe.config import home
from recipe.eval.memories import evaluate_beside, evaluate_memories
from recipe.export.memory import export_part
from recipe.log import Log
from recipe.machine import machine_arguments, set_up
from recipe.model.memory_slots import restored
from recipe.model.optimizers import Optimizer
from recipe.schedule import Budget
from recipe.tasks.chains import chain
from recipe.tasks.keys import KeyMaker
from recipe.tasks.memory_gradients import continuation, copying, repeating
from recipe.tasks.needles import NeedleMaker
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import Tokens

TASKS = ("continue", "repeat", "copy", "needle")


def parser() -> argparse.ArgumentParser:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--base", type=Path, default=home() / "runs/pretrain/decayed.pt")
    args.add_argument("--tokens", type=Path, default=home() / "tokens")
    args.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    args.add_argument("--run", type=Path, default=home() / "runs/memory")
    args.add_argument("--ratios", type=int, nargs="+", default=[256, 32, 8])
    args.add_argument(
        "--lengths", type=int, nargs="+", default=[256, 128, 64], help="rows of a segment, one drawn a step"
    )
    args.add_argument("--segments", type=int, default=8, help="of a chain, at most")
    args.add_argument("--window", type=int, help="rows of a context (default: the base's window)")
    args.add_argument("--reservoir", type=int, default=2, help="S; 0 keeps every graph (full back-propagation)")
    args.add_argument("--biased", action="store_true", help="leave out the compensating factor")
    args.add_argument("--shares", type=float, nargs=4, default=(0.6, 0.25, 0.15, 0.0), help=f"of {TASKS}")
    args.add_argument("--rank", type=int, default=32)
    args.add_argument(
        "--everywhere", action="store_true", help="ablation: the slots' changes at all rows of the encoder"
    )
    args.add_argument(
        "--no-transfer", action="store_true", help="ablation: memory rows by the base's own keys and values"
    )
    args.add_argument(
        "--in-place", action="store_true", help="slots that start as the last token of their share, for a new run"
    )
    args.add_argument("--no-spans", action="store_true", help="ablation: every slot starts with the same vector")
    args.add_argument("--batch", type=int, default=4, help="chains a step")
    args.add_argument("--lr", type=float, default=1e-3)
    args.add_argument("--steps", type=int, default=2000)
    args.add_argument(
        "--decay", type=float, default=0.2, help="share of the budget, at its end, in which the rate falls"
    )
    args.add_argument("--minutes", type=float, default=0)
    args.add_argument("--save-seconds", type=float, default=300)
    args.add_argument("--evaluate", action="store_true", help="only measure RUN/last.pt on the test split")
    args.add_argument("--evaluate-chains", type=int, default=64)
    args.add_argument(
        "--beside", type=int, nargs="*", default=[64, 256, 512], help="raw rows that memories are measured beside"
    )
    args.add_argument(
        "--fresh",
        type=int,
        nargs="*",
        default=[128, 512],
        help="tokens of a new file that memories of its repository are measured on",
    )
    args.add_argument(
        "--state",
        type=Path,
        help="slots to measure or, in a new run, to go on with (default: RUN/last.pt; a later stage has a memory.pt)",
    )
    args.add_argument(
        "--part", choices=("memory", "dense_memory"), default="memory", help="what the slots are exported as"
    )
    machine_arguments(args)
    return args


def main(argv: list[str] | None = None) -> dict:
    a = parser().parse_args(argv)
    where = set_up(a)
    last = a.run / "last.pt"
    state = read(a.state or last) if a.state or last.exists() else None
    start = state or {"rank": a.rank, "in_place": a.in_place, "weights": {}}
    model = restored(load_model(a.base), start, everywhere=a.everywhere, transfer=not a.no_transfer).to(where)
    step = 0
    if a.no_spans or a.in_place:
        model.span_gain.requires_grad_(False)
    elif not state:
        model.tell_spans(Tokens(a.tokens, "train").counts(model.base.config.vocab_size))
    optimizer = Optimizer(model, a.lr, "adamw", weight_decay=0.0)
    if state:
        if state.get("optimizer"):
            optimizer.load_state_dict(state["optimizer"])
        step = state.get("step", 0)
    window = a.window or model.base.window
    log = Log(a.run / "log.jsonl")
    encode = Encoder(a.tokenizer)
    if a.evaluate:
        held, middle, length = Tokens(a.tokens, "test"), sorted(a.ratios)[(len(a.ratios) - 1) // 2], max(a.lengths)
        keys = KeyMaker(encode)
        keys.read_identifiers(held)
        report = evaluate_memories(model, held, keys, a.ratios, length, window, a.evaluate_chains, where)
        segments = min(15, window // length - 1)
        report["beside"] = [
            evaluate_beside(model, held, middle, length, segments, recent, a.evaluate_chains, where)
            for recent in a.beside
        ]
        report["new_files"] = [
            evaluate_beside(model, held, middle, length, segments, 0, a.evaluate_chains, where, fresh=fresh)
            for fresh in a.fresh
        ]
        log(event="evaluate", step=step, **report)
        return report
    tokens, keys = Tokens(a.tokens, "train"), KeyMaker(encode)
    if a.shares[2] or a.shares[3]:
        keys.read_identifiers(tokens, 6000)
    needles = NeedleMaker(keys)
    log(
        event="start",
        step=step,
        base=str(a.base),
        reservoir=a.reservoir,
        biased=a.biased,
        window=window,
        parameters=sum(p.numel() for p in optimizer.params),
    )

    def checkpoint() -> None:
        # An encoder changed at every row cannot be exported: the engine's rows are the base's.
        part = None if a.everywhere else export_part(model, a.ratios, max(a.lengths), a.part)
        save(
            last,
            model.trained(),
            model.base.config,
            step=step,
            optimizer=optimizer.state_dict(),
            rank=model.rank,
            in_place=model.in_place,
            export=part,
        )

    losses: dict[str, list[float]] = {}
    budget, saved = Budget(a.steps, a.minutes, step, 20, a.decay), time.time()
    while budget.more(step):
        rng = np.random.default_rng(
            (a.seed, step)
        )  # each step's draw depends on its number alone: resuming repeats none
        task = TASKS[rng.choice(len(TASKS), p=np.array(a.shares) / sum(a.shares))]
        ratio, length = int(rng.choice(a.ratios)), int(rng.choice(a.lengths))
        slots = max(1, -(-length // ratio))
        if task == "continue":
            count = max(2, min(a.segments, (window - 4 - length) // slots + 1))
            data = chain(tokens, rng, a.batch, count, length, anchors=bool(rng.random() < 0.5))
            data = data._replace(
                ids=data.ids.to(where),
                targets=data.targets.to(where),
                layouts=[x and type(x)(*(part.to(where) for part in x)) for x in data.layouts],
            )
            value = continuation(
                model, data, ratio, a.reservoir, random.Random(a.seed * 1_000_003 + step), not a.biased, where
            )
        elif task == "repeat":
            ratio = min(a.ratios) if rng.random() < 0.7 else ratio
            value = repeating(
                model, chain(tokens, rng, a.batch * 2, 1, length, False).ids[:, 0].to(where), ratio, where
            )
        else:
            ratio, count = min(a.ratios) if rng.random() < 0.7 else ratio, int(rng.integers(1, 3))
            if task == "copy":
                made = keys.lesson(
                    tokens,
                    rng,
                    a.batch * 2,
                    count,
                    length,
                    max(1, length // int(rng.choice((20, 32, 256)))),
                    int(rng.choice((1, 2, 3, 3, 4, 5, 5, 6))),
                )
            else:
                lines = int(rng.integers(1, max(1, min(8, length * count // 24)) + 1))
                made = needles.lesson(tokens, rng, a.batch * 2, count, length, lines, several=0.2, turns=lines)
            value = copying(model, type(made)(*(x.to(where) for x in made)), ratio, where)
        losses.setdefault(f"{task}_{ratio}", []).append(value)
        optimizer.step(budget.factor(step))
        step += 1
        if step % 20 == 0:
            log(event="train", step=step, **{k: float(np.mean(v)) for k, v in sorted(losses.items())})
            losses = {}
        if time.time() - saved > a.save_seconds:
            checkpoint()
            saved = time.time()
    checkpoint()
    log(event="end", step=step)
    return {"step": step}


if __name__ == "__main__":
    print(json.dumps(main()))
