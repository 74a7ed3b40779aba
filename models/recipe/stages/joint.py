"""Stage 5, everything at once: `python -m recipe.stages.joint --init RUN --tokens DIR --functions DIR --run DIR`.

A chain of stages lets each forget what the one before has taught. Here each step adds the gradients of two batches: text under
one of the masks (rows of the first window, and long rows under full attention or AnSAN beside a window), and some of the
lessons (LESSONS). All weights move; the slots' changes still act at the slots only. Resumes from RUN/last.pt at a steady rate;
`--decay-minutes M` reads it, lets the rate fall to nothing in so long and writes RUN/decayed, a run folder that tasks.py judges and export.py takes.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from recipe.checkpoint import load_model, read, save
from recipe.config import home
from recipe.export.memory import export_part
from recipe.heads.vectors import Heads
from recipe.log import Log
from recipe.machine import autocast, machine_arguments, set_up
from recipe.model.memory_slots import SINKS, MemoryModel, restored
from recipe.model.optimizers import Optimizer
from recipe.model.rope import read_factors, yarn
from recipe.schedule import Stop
from recipe.tasks.attention_selection import Selecting
from recipe.tasks.examples import Maker
from recipe.tasks.function_tasks import Stage
from recipe.tasks.functions import Draw, documented
from recipe.tasks.functions import read as read_functions
from recipe.tasks.keys import KeyMaker
from recipe.tasks.memory_tasks import MemoryLessons
from recipe.tasks.text import Texts, drawn
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import Tokens

TEXTS = ("short", "long_full", "long_ansan")
TEXT_SHARES = (0.38, 0.12, 0.50)
LESSONS = ("past", "copy_raw", "repeat", "copy", "needle", "needle_raw", "select", "gist", "gist_memories", "chat")
LESSON_SHARES = (0.18, 0.10, 0.0, 0.26, 0.10, 0.08, 0.08, 0.12, 0.03, 0.05)
MEMORY_LESSONS = LESSONS[:6]


def parser() -> argparse.ArgumentParser:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument(
        "--init",
        type=Path,
        default=home() / "runs/blend/last.pt",
        help="weights to start from when RUN/last.pt is not there",
    )
    args.add_argument("--tokens", type=Path, default=home() / "tokens")
    args.add_argument(
        "--memory", type=Path, help="slots of the lowest ratio to start from (default: memory.pt beside --init)"
    )
    args.add_argument("--heads", type=Path, help="heads to start from (default: the --init run's)")
    args.add_argument("--functions", type=Path, required=True, help="folder or jsonl of functions.py")
    args.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    args.add_argument(
        "--lesson-shares", type=float, nargs=len(LESSONS), default=LESSON_SHARES, metavar="S", help=f"of {LESSONS}"
    )
    args.add_argument(
        "--lesson-norm", type=float, default=0.8, help="the lessons' gradient is cut to this; a text's is about 1"
    )
    args.add_argument("--lessons", type=int, default=1, help="lessons a step")
    args.add_argument(
        "--trust",
        type=float,
        default=0.5,
        help="share of full attention's own predictions in the targets of long AnSAN rows",
    )
    args.add_argument("--ratios", type=int, nargs="+", default=[256, 32, 8])
    args.add_argument("--segment", type=int, default=256, help="rows of a segment of the past")
    args.add_argument("--code-tokens", type=int, default=160)
    args.add_argument("--run", type=Path, default=home() / "runs/joint")
    args.add_argument(
        "--text-shares", type=float, nargs=len(TEXTS), default=TEXT_SHARES, metavar="S", help=f"of {TEXTS}"
    )
    args.add_argument("--farthest", type=int, default=32, help="times the first window, of the longest rows")
    args.add_argument(
        "--farthest-share",
        type=float,
        default=0.0,
        help="of the long rows under full attention; a quarter of it of those under AnSAN",
    )
    args.add_argument(
        "--factors", type=Path, help="rope_factors.json to go on with (default: the checkpoint's, or YaRN's)"
    )
    args.add_argument("--rows", type=int, default=4, help="rows of the first window in a step's text")
    args.add_argument("--lr", type=float, default=1.3e-3)
    args.add_argument("--warmup", type=int, default=100)
    args.add_argument(
        "--decay-minutes", type=float, default=0, help="anneal last.pt for so long into RUN/decayed, then end"
    )
    args.add_argument("--steps", type=int, default=0, help="end after so many steps in all (0: never)")
    args.add_argument("--minutes", type=float, default=0)
    args.add_argument("--save-seconds", type=float, default=240)
    machine_arguments(args)
    return args


def main(argv: list[str] | None = None) -> dict:
    a = parser().parse_args(argv)
    where = set_up(a)
    last = a.run / "last.pt"
    source = last if last.exists() else a.init
    state = read(source)
    base = load_model(source)
    first = base.config.max_position_embeddings
    if base.rope.factors is None or a.factors:
        rope = (
            read_factors(a.factors, None, base.config.head_dim, first)
            if a.factors
            else yarn(base.config.head_dim, base.config.rope_theta, first, 8)
        )
        base = load_model(source, factors=rope["factors"], rope_scale=rope["scale"])
        base.window = 8 * first
    source_run = a.run if last.exists() else a.init.parent
    memory_state = read(source_run / "memory.pt" if last.exists() else a.memory or source_run / "memory.pt")
    model = restored(base, memory_state)
    if "span_gain" not in memory_state["weights"]:
        model.tell_spans(Tokens(a.tokens, "train").counts(base.config.vocab_size))
    sparse_state = source_run / "sparse.pt"
    sparse = (
        restored(base, read(sparse_state)) if sparse_state.exists() else MemoryModel(base, model.rank, in_place=True)
    )
    base.requires_grad_(True)
    known = state["heads"] if "heads" in state else read(a.heads)["weights"]
    heads = Heads(base.config.hidden_size, token_vectors=known.get("tokens.weight"))
    heads.load_state_dict(known)
    heads.tokens and heads.tokens.requires_grad_(False)
    both = torch.nn.ModuleDict({"model": model, "sparse": sparse, "heads": heads}).to(where)
    optimizer = Optimizer(both, a.lr, "muon")
    step, seen, cursors = 0, 0, None
    if last.exists():
        step, seen = state["step"], state["tokens"]
        optimizer.load_state_dict(state["optimizer"])
        cursors = state["cursors"] if state["data"] == str(a.tokens) else None
    tokens, encode = Tokens(a.tokens, "train"), Encoder(a.tokenizer)
    texts = Texts(tokens, first, base.window, a.seed, cursors, a.trust, a.farthest, a.farthest_share)
    keys = KeyMaker(encode)
    keys.read_identifiers(tokens, 20_000)
    memories = MemoryLessons(model, sparse, tokens, keys, a.ratios, a.segment, where)
    maker = Maker(encode, min(a.code_tokens, first // 3), window=first - SINKS - 1)
    tasks = Stage(model, heads, maker, a.ratios, [], where)
    draw = Draw(documented(read_functions(a.functions)), a.seed)
    selecting = Selecting(sparse, maker, draw, tokens, [r for r in a.ratios if r > min(a.ratios)] or a.ratios, where)
    log, stop, begun, began = Log(a.run / "log.jsonl"), Stop(a.minutes), time.time(), step
    log(
        event="start",
        step=step,
        tokens=seen,
        data=str(a.tokens),
        init=str(a.init),
        lr=a.lr,
        rows=a.rows,
        annealing=a.decay_minutes,
        texts=list(a.text_shares),
        lessons=list(a.lesson_shares),
    )
    out = a.run / "decayed" if a.decay_minutes else a.run

    def decayed() -> float:
        return (time.time() - begun) / 60 / a.decay_minutes if a.decay_minutes else 0.0

    def checkpoint() -> None:
        few, many = min(a.ratios), [r for r in a.ratios if r > min(a.ratios)]
        for name, slots, ratios, part in (("memory", model, [few], "dense_memory"), ("sparse", sparse, many, "memory")):
            save(
                out / f"{name}.pt",
                slots.trained(),
                base.config,
                rank=slots.rank,
                in_place=slots.in_place,
                export=export_part(slots, ratios, a.segment, part),
            )
        save(out / "heads.pt", heads, base.config, export=heads.export())
        save(
            out / "last.pt",
            base,
            base.config,
            step=step,
            tokens=seen,
            cursor=None,
            cursors=texts.cursors(),
            data=str(a.tokens),
            heads=heads.state_dict(),
            optimizer=None if a.decay_minutes else optimizer.state_dict(),
        )

    def lesson(name: str, rng: np.random.Generator):
        if name in MEMORY_LESSONS:
            return getattr(memories, name)(rng, a.rows * first)
        if name == "select":
            return selecting.loss(step, rng, a.rows * first)
        share = {"gist": 8, "chat": 8, "gist_memories": 8}[name]
        return getattr(tasks, name)(draw.batch(step, max(2, a.rows * first // 512 * share // 2)), rng)

    def learn(what: str, loss_of, *given) -> None:
        with autocast(where):
            loss = loss_of(*given)
        loss.backward()
        losses.setdefault(what, []).append(float(loss.detach()))

    losses: dict[str, list[float]] = {}
    saved = logged = time.time()
    while not stop and decayed() < 1.0 and not (a.steps and step >= a.steps):
        rng = np.random.default_rng((a.seed, 3, step))
        kind = drawn(TEXTS, a.text_shares, rng)
        for name in (drawn(LESSONS, a.lesson_shares, rng) for _ in range(a.lessons)):
            learn(name, lesson, name, rng)
        # The lessons first, cut to the size a text's gradient has: a few wrong answers must not drown the text.
        torch.nn.utils.clip_grad_norm_(optimizer.params, a.lesson_norm)
        learn(kind, texts.loss, base, kind, a.rows, rng, where)
        norm = optimizer.step(1.0 - decayed() if a.decay_minutes else min(1.0, (step - began + 1) / a.warmup), clip=2.0)
        step, seen = step + 1, seen + a.rows * first
        if step % 20 == 0:
            now = time.time()
            log(
                event="train",
                step=step,
                tokens=seen,
                norm=norm,
                seconds_per_step=(now - logged) / 20,
                **{k: float(np.mean(v)) for k, v in sorted(losses.items())},
            )
            losses, logged = {}, now
        if time.time() - saved > a.save_seconds:
            checkpoint()
            saved = time.time()
    checkpoint()
    log(event="end", step=step, tokens=seen)
    return {"step": step, "tokens": seen}


if __name__ == "__main__":
    print(json.dumps(main()))
