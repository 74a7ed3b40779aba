"""Stage 9, choosing alone: `python -m recipe.stages.selection --base RUN/last.pt --functions DIR --held-out DIR --run DIR`.

A question chooses among the segments of a whole workspace by the model's own attention: its mean query against what stands for a segment, here the mean of
its tokens' keys (MoBA's blocks, Lu et al. 2025, section 2.2). As they are, the same keys draw every question, and teaching base or slots to choose spoils their
rows for reading (README, "Choosing"). So everything is at rest here and only a metric is learnt: a matrix for the queries and one for the keys, both of all layers
and heads and not rotated, to --width numbers of length 1 each, as the indexer of DeepSeek-V3.2's sparse attention has matrices of its own beside the attention's.
Pairs are those of selecting.py, a function and what is said of it, a text and what goes on from it; all other texts of a batch are what a question must not fall on.

Every pair is read once, then what the model made of it is all that is trained on. Takes minutes, so it begins anew each time; writes RUN/last.pt for export.py.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recipe.checkpoint import load_model, save
from recipe.config import home
from recipe.eval.selection import judged
from recipe.heads.selection import Chooser, mean_keys, mean_queries
from recipe.heads.vectors import contrast
from recipe.log import Log
from recipe.machine import machine_arguments, set_up
from recipe.tasks.attention_selection import CONTINUED
from recipe.tasks.examples import Maker
from recipe.tasks.functions import Draw, documented
from recipe.tasks.functions import read as read_functions
from recipe.tasks.selection_pairs import TOGETHER, Pairs
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import Tokens


def train(
    chooser: Chooser,
    queries: Tensor,
    keys: Tensor,
    said: list[str],
    steps: int,
    batch: int,
    lr: float,
    rng: np.random.Generator,
    log: Log,
) -> None:
    optimizer = torch.optim.AdamW(chooser.parameters(), lr=lr, weight_decay=0.1)
    names = {text: i for i, text in enumerate(dict.fromkeys(said))}
    which = torch.tensor([names[text] for text in said])
    runs = torch.arange(len(said)).split(TOGETHER)
    losses: list[float] = []
    for step in range(steps):
        some = torch.cat(
            [runs[i] for i in rng.choice(len(runs), min(len(runs), max(1, batch // TOGETHER)), replace=False)]
        )
        loss = contrast(
            chooser.asked(queries[some]),
            chooser.texts(keys[some]),
            chooser.temperature,
            which[some][:, None] == which[some][None],
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for group in optimizer.param_groups:  # up over twenty steps, down over the last half
            group["lr"] = lr * min(1.0, (step + 1) / 20, 2 * (steps - step) / steps)
        optimizer.step()
        losses.append(float(loss.detach()))
        if (step + 1) % 100 == 0:
            log(event="train", step=step + 1, loss=float(np.mean(losses[-100:])))


def parser() -> argparse.ArgumentParser:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--base", type=Path, default=home() / "runs/joint/decayed/last.pt")
    args.add_argument("--tokens", type=Path, default=home() / "tokens")
    args.add_argument("--functions", type=Path, required=True, help="folder or jsonl of functions.py")
    args.add_argument(
        "--held-out",
        type=Path,
        help="another, of repositories that nothing was trained on: choosing is judged among --pool of them",
    )
    args.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    args.add_argument("--run", type=Path, default=home() / "runs/choosing")
    args.add_argument("--width", type=int, default=64)
    args.add_argument("--pairs", type=int, default=24000)
    args.add_argument("--pool", type=int, default=1000)
    args.add_argument("--segment", type=int, default=256, help="tokens of a text, at most")
    args.add_argument("--batch", type=int, default=1024)
    args.add_argument("--steps", type=int, default=600)
    args.add_argument("--lr", type=float, default=2e-3)
    machine_arguments(args)
    return args


def main(argv: list[str] | None = None) -> dict:
    a = parser().parse_args(argv)
    where = set_up(a)
    base = load_model(a.base).to(where).eval()
    maker = Maker(Encoder(a.tokenizer), code_tokens=a.segment)
    log = Log(a.run / "log.jsonl")
    log(event="start", base=str(a.base), pairs=a.pairs)

    def read(folder: Path, split: str, count: int, stream: int) -> tuple[Tensor, Tensor, list[str]]:
        pairs = Pairs(maker, Draw(documented(read_functions(folder)), a.seed), Tokens(a.tokens, split), a.segment)
        asked, texts, said = pairs.make(count, np.random.default_rng((a.seed, 9, stream)))
        return mean_queries(base, asked, where), mean_keys(base, texts, where), said

    queries, keys, said = read(a.functions, "train", a.pairs, 0)
    log(event="read", pairs=len(said))
    chooser = Chooser(queries, keys, a.width)
    train(chooser, queries, keys, said, a.steps, a.batch, a.lr, np.random.default_rng((a.seed, 9, 1)), log)
    save(a.run / "last.pt", chooser.state_dict(), base.config, export=chooser.export())
    found: dict = {"pairs": len(said)}
    if a.held_out:
        queries, keys, said = read(a.held_out, "test", int(a.pool / (1 - CONTINUED)), 2)
        kinds = {
            "functions": [not text.startswith("\n") for text in said],
            "continued": [text.startswith("\n") for text in said],
        }
        found.update(
            {
                kind: {"pool": sum(own), "mrr": judged(chooser, queries[own], keys[own])}
                for kind, own in kinds.items()
                if any(own)
            }
        )
    log(event="end", **found)
    return found


if __name__ == "__main__":
    print(json.dumps(main()))
