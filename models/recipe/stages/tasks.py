"""Stage 4, what the product asks: `python -m recipe.stages.tasks --base FILE --memory FILE --functions FILE.jsonl --run DIR`.

All weights move now, the memories' too, so that they still fit the base. Each step draws one task: plain text under the mix of
masks (so that nothing is forgotten), doc <-> code (and commit subject <-> changed function) vectors with the name hidden, gists from rows and from memories alone, the
line pointer with "none", copying of keys from memories, short grounded answers under the chat template.
Writes RUN/last.pt (base), RUN/memory.pt and RUN/heads.pt for export.py. `--evaluate` measures on held-out repositories.
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
from recipe.eval.tasks import evaluate_tasks
from recipe.export.memory import export_part
from recipe.heads.vectors import Heads
from recipe.log import Log
from recipe.machine import autocast, machine_arguments, set_up
from recipe.model.memory_slots import SINKS, restored
from recipe.model.optimizers import Optimizer
from recipe.schedule import Budget
from recipe.tasks.commits import commit_pairs
from recipe.tasks.examples import Maker
from recipe.tasks.function_tasks import Stage
from recipe.tasks.functions import Draw, documented, split
from recipe.tasks.functions import read as read_functions
from recipe.tasks.keys import KeyMaker
from recipe.tasks.memory_gradients import copying
from recipe.tasks.synthetic import synthetic
from recipe.tasks.text import batch_loss
from recipe.tokens.encoder import Encoder
from recipe.tokens.rows import Stream
from recipe.tokens.store import Tokens

TASKS = ("text", "vectors", "gist", "gist_memories", "copy", "chat")
SHARES = (0.25, 0.30, 0.12, 0.10, 0.05, 0.08)


def parser() -> argparse.ArgumentParser:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--base", type=Path, default=home() / "runs/long/merged.pt")
    args.add_argument("--memory", type=Path, default=home() / "runs/memory/last.pt")
    args.add_argument(
        "--functions", type=Path, help="folder or jsonl of functions.py (default: synthetic, for a trial only)"
    )
    args.add_argument(
        "--held-out", type=Path, help="the same of other repositories (default: a tenth of --functions' repositories)"
    )
    args.add_argument("--commits", type=Path, help="the corpus's commits-train.jsonl.gz: subjects as further questions")
    args.add_argument(
        "--token-vectors", type=Path, help="token_vectors.py's last.pt: a part of every vector that stays as it is"
    )
    args.add_argument("--tokens", type=Path, default=home() / "tokens")
    args.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    args.add_argument("--run", type=Path, default=home() / "runs/tasks")
    args.add_argument("--shares", type=float, nargs=len(TASKS), default=SHARES, metavar="S", help=f"of {TASKS}")
    args.add_argument("--ratios", type=int, nargs="+", default=[256, 32, 8])
    args.add_argument("--batch", type=int, default=32, help="functions a step (vectors use twice as many)")
    args.add_argument("--code-tokens", type=int, default=160)
    args.add_argument("--lr", type=float, default=6e-4)
    args.add_argument("--steps", type=int, default=3000)
    args.add_argument(
        "--decay", type=float, default=0.2, help="share of the budget, at its end, in which the rate falls"
    )
    args.add_argument("--minutes", type=float, default=0)
    args.add_argument("--save-seconds", type=float, default=300)
    args.add_argument("--evaluate", action="store_true")
    args.add_argument("--pool", type=int, default=20000, help="functions searched in the evaluation")
    args.add_argument("--questions", type=int, default=1000)
    machine_arguments(args)
    return args


def main(argv: list[str] | None = None) -> dict:
    a = parser().parse_args(argv)
    where = set_up(a)
    last = a.run / "last.pt"
    state = read(last) if last.exists() else None
    memory_state = read(a.run / "memory.pt" if state else a.memory)
    model = restored(load_model(last if state else a.base), memory_state)
    model.base.requires_grad_(True)
    model.to(where)
    table = (
        read(a.token_vectors)["weights"]["rows.weight"]
        if a.token_vectors
        else state["heads"].get("tokens.weight")
        if state
        else None
    )
    heads = Heads(model.base.config.hidden_size, token_vectors=table).to(where)
    both = torch.nn.ModuleDict({"model": model, "heads": heads})
    optimizer = Optimizer(both, a.lr, "adamw", weight_decay=0.01)
    step, cursor = 0, None
    if state:
        heads.load_state_dict(state["heads"])
        if state["optimizer"]:  # the joint stage's annealed weights come without
            optimizer.load_state_dict(state["optimizer"])
        step, cursor = state["step"], state["cursor"]
    if a.functions:
        functions = read_functions(a.functions)
    else:
        from tasks_data import Function

        functions = [Function(**f) for f in synthetic(400, a.seed)]
    train, held = (
        (documented(functions), documented(read_functions(a.held_out))) if a.held_out else split(documented(functions))
    )
    encode = Encoder(a.tokenizer)
    window = model.base.config.max_position_embeddings
    maker = Maker(encode, min(a.code_tokens, window // 3), window=window - SINKS - 1)
    keys = KeyMaker(encode)
    log = Log(a.run / "log.jsonl")
    if a.evaluate:
        report = evaluate_tasks(model, heads, maker, held, train, a.pool, a.questions, a.ratios, where)
        log(event="evaluate", step=step, functions=str(a.functions), **report)
        return report
    tokens = Tokens(a.tokens, "train")
    commits = commit_pairs(a.commits, train) if a.commits else []
    stage = Stage(model, heads, maker, a.ratios, commits, where)
    stream = Stream(tokens, a.seed + 100, cursor)
    draw = Draw(train, a.seed)
    log(
        event="start",
        step=step,
        functions=len(train),
        held_out=len(held),
        commits=len(commits),
        parameters=sum(p.numel() for p in optimizer.params),
    )

    def checkpoint() -> None:
        save(
            a.run / "memory.pt",
            model.trained(),
            model.base.config,
            rank=model.rank,
            export=export_part(model, a.ratios, 256),
        )
        save(a.run / "heads.pt", heads, model.base.config, export=heads.export())
        save(
            last,
            model.base,
            model.base.config,
            step=step,
            cursor=cursor,
            heads=heads.state_dict(),
            optimizer=optimizer.state_dict(),
        )

    losses: dict[str, list[float]] = {}
    budget, saved = Budget(a.steps, a.minutes, step, 50, a.decay), time.time()
    while budget.more(step):
        rng = np.random.default_rng((a.seed, 3, step))
        task = TASKS[rng.choice(len(TASKS), p=np.array(a.shares) / sum(a.shares))]
        if task == "copy":  # has its own backward
            made = keys.make(tokens, rng, 8, int(rng.integers(1, 3)), min(128, window // 2))
            value = copying(model, type(made)(*(x.to(where) for x in made)), min(a.ratios), where)
        else:
            with autocast(where):
                if task == "text":
                    batch = stream.batch(max(1, a.batch // 4), window)
                    cursor = batch.cursor
                    loss, _ = batch_loss(model.base, model.base, batch.to(where))
                else:
                    count = {"vectors": a.batch * 2, "gist_memories": max(2, a.batch // 4)}
                    loss = getattr(stage, task)(draw.batch(step, count.get(task, a.batch)), rng)
            loss.backward()
            value = float(loss.detach())
        losses.setdefault(task, []).append(value)
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
