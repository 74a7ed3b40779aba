"""Stage 2, a longer window: `python -m recipe.stages.long_context --base RUN/decayed.pt --tokens DIR --run DIR --factors FILE`.

Frequencies are divided by the factors of a DCIS search (the `rope_factors.json` that the engine's search writes beside a
checkpoint; without one, YaRN's, where that search starts). Trained on slices of the long window with S2-Attn and LoRA+ (r 8, embeddings and norms in
full), or with `--tune full` / `--attention full` for comparison; inference attends to everything. Writes RUN/last.pt,
RUN/adapter (PEFT) and RUN/merged.pt (plain weights with their factors). `--evaluate` measures all forms on the test split.
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
from recipe.eval.windows import evaluate_windows
from recipe.log import Log
from recipe.machine import autocast, machine_arguments, set_up
from recipe.model.attention import sdpa
from recipe.model.lora import adapt, merged, save_adapter
from recipe.model.loss import cross_entropy
from recipe.model.optimizers import Optimizer
from recipe.model.rope import read_factors, yarn
from recipe.model.shifted_attention import s2_attend
from recipe.schedule import Budget
from recipe.tasks.text import slices
from recipe.tokens.store import Tokens

RANK, ALPHA = 8, 16.0


def parser() -> argparse.ArgumentParser:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--base", type=Path, default=home() / "runs/pretrain/decayed.pt")
    args.add_argument("--tokens", type=Path, default=home() / "tokens")
    args.add_argument("--run", type=Path, default=home() / "runs/long")
    args.add_argument("--factors", type=Path, help="rope_factors.json of the DCIS search; default: YaRN's factors")
    args.add_argument("--factors-name", help="the entry to take, if the file has several")
    args.add_argument("--window", type=int, help="rows (default: 8 x the first window)")
    args.add_argument("--tune", choices=("lora+", "full"), default="lora+")
    args.add_argument("--attention", choices=("s2", "full"), default="s2")
    args.add_argument("--batch", type=int, default=2)
    args.add_argument("--lr", type=float, default=3e-4)
    args.add_argument("--steps", type=int, default=400)
    args.add_argument(
        "--decay", type=float, default=0.2, help="share of the budget, at its end, in which the rate falls"
    )
    args.add_argument("--minutes", type=float, default=0)
    args.add_argument("--save-seconds", type=float, default=300)
    args.add_argument("--evaluate", action="store_true")
    args.add_argument("--evaluate-rows", type=int, default=48)
    machine_arguments(args)
    return args


def main(argv: list[str] | None = None) -> dict:
    a = parser().parse_args(argv)
    where = set_up(a)
    base = load_model(a.base)
    config = base.config
    first = config.max_position_embeddings
    window = a.window or 8 * first
    rope = (
        read_factors(a.factors, a.factors_name, config.head_dim, first)
        if a.factors
        else yarn(config.head_dim, config.rope_theta, first, window / first)
    )
    long = {"factors": rope["factors"], "rope_scale": rope["scale"]}
    log = Log(a.run / "log.jsonl")
    if a.evaluate:
        models = {"base": base, "factors_only": load_model(a.base, **long), "tuned": load_model(a.run / "merged.pt")}
        report = evaluate_windows(models, Tokens(a.tokens, "test"), first, window, a.evaluate_rows, where)
        log(event="evaluate", tune=a.tune, attention=a.attention, **report)
        return report
    model = load_model(a.base, **long)
    if a.tune == "lora+":
        adapt(model, RANK, ALPHA)
    model.to(where)
    optimizer = Optimizer(model, a.lr, "adamw", weight_decay=0.0)
    step, last = 0, a.run / "last.pt"
    if last.exists():
        state = read(last)
        model.load_state_dict(state["weights"])
        step = state["step"]
        if state.get("optimizer"):
            optimizer.load_state_dict(state["optimizer"])
    attend = s2_attend(window // 4) if a.attention == "s2" else sdpa
    tokens = Tokens(a.tokens, "train")
    log(
        event="start",
        step=step,
        window=window,
        tune=a.tune,
        attention=a.attention,
        base=str(a.base),
        trained=sum(p.numel() for p in optimizer.params),
    )

    def checkpoint() -> None:
        save(last, model, config, step=step, optimizer=optimizer.state_dict(), window=window)
        plain = model
        if a.tune == "lora+":
            save_adapter(model, a.run / "adapter", RANK, ALPHA, str(a.base))
            plain = merged(load_model(a.base, **long), a.run / "adapter")
        save(a.run / "merged.pt", plain, config, window=window)
        (a.run / "rope_factors.json").write_text(
            json.dumps(
                {
                    "factors": {
                        "tuned": {
                            "extension": window / first,
                            "attentionFactor": rope["scale"],
                            "originalMaxPositions": first,
                            "factors": list(rope["factors"]),
                            "note": f"trained with, {a.tune}, {a.attention}",
                        }
                    }
                },
                indent=1,
            )
            + "\n"
        )

    budget, saved, some, started = Budget(a.steps, a.minutes, step, 20, a.decay), time.time(), [], time.time()
    while budget.more(step):
        ids, targets = slices(tokens, np.random.default_rng((a.seed, step)), a.batch, window)
        with autocast(where):
            positions = torch.arange(window, device=where).expand(a.batch, window)
            hidden = model(ids.to(where), positions, None, attend=attend)
            loss, _ = cross_entropy(hidden, model.model.embed_tokens.weight, targets.to(where))
        loss.backward()
        optimizer.step(budget.factor(step))
        some.append(float(loss.detach()))
        step += 1
        if step % 10 == 0:
            log(
                event="train",
                step=step,
                loss=float(np.mean(some)),
                tokens_per_second=len(some) * a.batch * window / (time.time() - started),
            )
            some, started = [], time.time()
        if time.time() - saved > a.save_seconds:
            checkpoint()
            saved = time.time()
    checkpoint()
    log(event="end", step=step)
    return {"step": step}


if __name__ == "__main__":
    print(json.dumps(main()))
