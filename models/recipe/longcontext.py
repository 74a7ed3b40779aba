"""Stage 2, a longer window: `python models/recipe/longcontext.py --base RUN/decayed.pt --tokens DIR --run DIR --factors FILE`.

Frequencies are divided by the factors of a DCIS search (the `rope_factors.json` that the engine's search writes beside a
checkpoint; without one, YaRN's, where that search starts). Trained on slices of the long window with S2-Attn and LoRA+ (r 8, embeddings and norms in
full), or with `--tune full` / `--attention full` for comparison; inference attends to everything. Writes RUN/last.pt,
RUN/adapter (PEFT) and RUN/merged.pt (plain weights with their factors). `--evaluate` measures all forms on the test split.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch

from config import SINK_IDS, home
from data import Tokens
from evaluate import interval
from loss import IGNORE, cross_entropy
from lora import adapt, merged, save_adapter
from model import Llama, sdpa
from optim import Optimizer
from run import Budget, Log, autocast, device, load_model, machine_arguments, read, save, set_up
from s2 import s2_attend

RANK, ALPHA = 8, 16.0


def yarn(head_dim: int, theta: float, original: int, scale: float, fast: float = 32.0, slow: float = 1.0) -> dict:
    """YaRN's factors: pairs that turn more than `fast` times in the old window stay, those under `slow` turns are divided."""

    def pair(turns: float) -> float:
        return head_dim * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(theta))

    low, high = max(math.floor(pair(fast)), 0), min(math.ceil(pair(slow)), head_dim // 2 - 1)
    factors = []
    for i in range(head_dim // 2):
        interpolated = min(1.0, max(0.0, (i - low) / max(0.001, high - low)))
        factors.append(1.0 / (interpolated / scale + 1.0 - interpolated))
    return {"factors": factors, "scale": 0.1 * math.log(scale) + 1.0}


def read_factors(path: Path, name: str | None, head_dim: int, first: int) -> dict:
    """{"factors": [D/2], "scale": m} of one entry of the engine's file, which must have been found for this window."""
    found = json.loads(path.read_text())["factors"]
    if name is None and len(found) == 1:
        name = next(iter(found))
    if name not in found:
        raise SystemExit(f"{path} has factors named {', '.join(found) or 'nothing'}: choose one with --factors-name")
    entry = found[name]
    if entry["originalMaxPositions"] != first or len(entry["factors"]) != head_dim // 2:
        raise SystemExit(f"{path}: {name} is for a window of {entry['originalMaxPositions']} rows and {len(entry['factors'])} pairs, "
                         f"the model has {first} and {head_dim // 2}")
    return {"factors": entry["factors"], "scale": entry["attentionFactor"]}


def slices(tokens: Tokens, rng: np.random.Generator, batch: int, window: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Text as it stands, file after file, behind the sinks: ids and targets [batch, window]."""
    rows = []
    for _ in range(batch):
        size = window - len(SINK_IDS) + 1
        start = int(rng.integers(0, max(1, len(tokens.ids) - size)))
        rows.append(np.concatenate([SINK_IDS, np.asarray(tokens.ids[start:start + size]).astype(np.int64)]))
    flat = torch.from_numpy(np.stack(rows))
    targets = flat[:, 1:].clone()
    targets[:, :len(SINK_IDS)] = IGNORE
    return flat[:, :-1].contiguous(), targets


@torch.no_grad()
def tail_losses(model: Llama, ids: torch.Tensor, targets: torch.Tensor, context: int, tail: int, where) -> float:
    """Sum of nats of the last `tail` targets of one row, seen behind the sinks and as much of the text as fits `context`."""
    n = len(SINK_IDS)
    ids = torch.cat([ids[:, :n], ids[:, n:][:, -(context - n):]], 1).to(where)
    with autocast(where):
        hidden = model(ids, torch.arange(ids.shape[1], device=where)[None], None)[:, -tail:]
        _, each = cross_entropy(hidden, model.model.embed_tokens.weight, targets[:, -tail:].to(where))
    return float(each.sum())


def evaluate_windows(models: dict[str, Llama], tokens: Tokens, first: int, window: int, count: int, where, tail: int = 0) -> dict:
    """Perplexity of the same tokens with contexts of 1x the first window up to `window`, for each model; 95% intervals."""
    tail = tail or first // 2
    rng, rows = np.random.default_rng(13), []
    for _ in range(count):
        rows.append(slices(tokens, rng, 1, window))
    contexts = [c for c in (first, first * 2, first * 4, first * 8) if c <= window]
    report: dict = {"tail": tail, "rows": count}
    for name, model in models.items():
        model.eval().to(where)
        sums = {c: np.array([tail_losses(model, ids, targets, c, tail, where) for ids, targets in rows]) for c in contexts}
        n = np.full(count, tail)
        report[name] = {str(c): interval(v, n) for c, v in sums.items()}
        report[name]["longest_over_first"] = interval(sums[contexts[-1]], n, sums[contexts[0]])
    return report


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
    args.add_argument("--decay", type=float, default=0.2, help="share of the budget, at its end, in which the rate falls")
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
    rope = (read_factors(a.factors, a.factors_name, config.head_dim, first) if a.factors
            else yarn(config.head_dim, config.rope_theta, first, window / first))
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
    log(event="start", step=step, window=window, tune=a.tune, attention=a.attention, base=str(a.base),
        trained=sum(p.numel() for p in optimizer.params))

    def checkpoint() -> None:
        save(last, model, config, step=step, optimizer=optimizer.state_dict(), window=window)
        plain = model
        if a.tune == "lora+":
            save_adapter(model, a.run / "adapter", RANK, ALPHA, str(a.base))
            plain = merged(load_model(a.base, **long), a.run / "adapter")
        save(a.run / "merged.pt", plain, config, window=window)
        (a.run / "rope_factors.json").write_text(json.dumps({"factors": {"tuned": {
            "extension": window / first, "attentionFactor": rope["scale"], "originalMaxPositions": first,
            "factors": list(rope["factors"]), "note": f"trained with, {a.tune}, {a.attention}"}}}, indent=1) + "\n")

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
            log(event="train", step=step, loss=float(np.mean(some)),
                tokens_per_second=len(some) * a.batch * window / (time.time() - started))
            some, started = [], time.time()
        if time.time() - saved > a.save_seconds:
            checkpoint()
            saved = time.time()
    checkpoint()
    log(event="end", step=step)
    return {"step": step}


if __name__ == "__main__":
    print(json.dumps(main()))
