"""Stage 9, choosing alone: `python models/recipe/choosing.py --base RUN/last.pt --functions DIR --held-out DIR --run DIR`.

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
from torch import Tensor, nn
from torch.nn import functional as F

from config import ID, home
from data import Encoder, Tokens
from memory_model import SINKS
from model import Llama
from run import Log, autocast, load_model, machine_arguments, save, set_up
from selecting import CONTINUED, NEXT
from tasks_data import Draw, documented, read as read_functions
from tasks_eval import mean_interval, reciprocal_ranks
from tasks_examples import Maker
from tasks_model import contrast, padded

TOGETHER = 16  # functions of one repository that come one after the other: each other's hard negatives
FILE = "selection.safetensors"


class Pairs:
    """What is asked, what answers it, and what tells the texts apart, in an order in which neighbours are of one repository."""

    def __init__(self, maker: Maker, draw: Draw, tokens: Tokens, longest: int):
        self.maker, self.draw, self.tokens, self.longest = maker, draw, tokens, longest

    def make(self, count: int, rng: np.random.Generator) -> tuple[list[list[int]], list[list[int]], list[str]]:
        continued = int(CONTINUED * count)
        parts = self.functions(count - continued, rng), self.continued(continued, rng)
        return tuple(a + b for a, b in zip(*parts))  # type: ignore[return-value]

    def functions(self, count: int, rng: np.random.Generator) -> tuple[list[list[int]], list[list[int]], list[str]]:
        asked, texts, said, seen = [], [], [], set()
        for step in range(count):  # a batch finds one new function at least, unless there are none left
            for f in self.draw.batch(step, min(count, 256), TOGETHER):
                if f in seen or len(asked) == count:
                    continue
                seen.add(f)
                hide = bool(rng.random() < 0.5)
                asked.append(self.maker.question(f, hide))
                texts.append(self.maker.code(f, hide))
                said.append(f.summary)
            if len(asked) == count:
                break
        return asked, texts, said

    def continued(self, count: int, rng: np.random.Generator) -> tuple[list[list[int]], list[list[int]], list[str]]:
        asked, texts = [], []
        for _ in range(count):
            length, following = int(rng.integers(32, self.longest + 1)), int(rng.integers(8, NEXT + 1))
            start = int(rng.integers(0, len(self.tokens.ids) - length - following))
            ids = np.asarray(self.tokens.ids[start:start + length + following]).astype(np.int64).tolist()
            asked.append([ID["query"], *ids[length:]])
            texts.append(ids[:length])
        return asked, texts, [f"\n{i}" for i in range(count)]


@torch.no_grad()
def means(base: Llama, rows: list[list[int]], where, rows_at_once: int = 6144) -> list[Tensor]:
    """For each layer the mean of the attention's input over each text's own rows (behind the sinks, alone): [n, C] in f32."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found = [torch.zeros(len(rows), base.config.hidden_size) for _ in base.model.layers]
    while order:
        width = max(1, rows_at_once // (SINKS + len(rows[order[-1]])))
        some, order = order[-width:], order[:-width]
        ids, lengths = padded([rows[i] for i in some], where)
        positions = torch.arange(ids.shape[1], device=where).expand(ids.shape)
        with autocast(where):
            _, seen = base(ids, positions, None, inputs=True)
        own = ((positions >= SINKS) & (positions < lengths[:, None])).float()[:, :, None]
        for layer, h in zip(found, seen):
            layer[some] = ((h.float() * own).sum(1) / own.sum(1)).cpu()
    return found


@torch.no_grad()
def mean_queries(base: Llama, asked: list[list[int]], where) -> Tensor:
    """[n, layers * heads * head_dim]: projections are linear, so that of the mean is the mean."""
    inputs = means(base, asked, where)
    return torch.cat([x @ layer.self_attn.q_proj.weight.float().cpu().t() for x, layer in zip(inputs, base.model.layers)], 1)


@torch.no_grad()
def mean_keys(base: Llama, texts: list[list[int]], where) -> Tensor:
    """[n, layers * key heads * head_dim]"""
    inputs = means(base, texts, where)
    return torch.cat([x @ layer.self_attn.k_proj.weight.float().cpu().t() for x, layer in zip(inputs, base.model.layers)], 1)


class Chooser(nn.Module):
    """Both sides to `width` numbers of length 1, from numbers of mean 0 and deviation 1 over the pairs it was begun with."""

    def __init__(self, queries: Tensor, keys: Tensor, width: int):
        super().__init__()
        self.q, self.k = nn.Linear(queries.shape[1], width), nn.Linear(keys.shape[1], width)
        for name, side, some in (("q", self.q, queries), ("k", self.k, keys)):
            nn.init.normal_(side.weight, std=some.shape[1] ** -0.5)
            nn.init.zeros_(side.bias)
            self.register_buffer(f"{name}_mean", some.mean(0))
            self.register_buffer(f"{name}_deviation", some.std(0) + 1e-3)
        self.temperature = nn.Parameter(torch.tensor(2.3))

    def asked(self, queries: Tensor) -> Tensor:
        return F.normalize(self.q((queries - self.q_mean) / self.q_deviation), dim=-1)

    def texts(self, keys: Tensor) -> Tensor:
        return F.normalize(self.k((keys - self.k_mean) / self.k_deviation), dim=-1)

    @torch.no_grad()
    def export(self) -> dict:
        """For export.py: mean and deviation are folded into the matrices, so that the engine multiplies and adds."""
        tensors = {}
        for name, side in (("q", self.q), ("k", self.k)):
            weight = side.weight / getattr(self, f"{name}_deviation")
            tensors[f"select.{name}_proj.weight"] = weight.cpu()
            tensors[f"select.{name}_proj.bias"] = (side.bias - weight @ getattr(self, f"{name}_mean")).cpu()
        return {"file": FILE, "tensors": tensors, "config": {"selection": {"file": FILE, "width": self.q.out_features}}}


def train(chooser: Chooser, queries: Tensor, keys: Tensor, said: list[str], steps: int, batch: int, lr: float, rng: np.random.Generator, log: Log) -> None:
    optimizer = torch.optim.AdamW(chooser.parameters(), lr=lr, weight_decay=0.1)
    names = {text: i for i, text in enumerate(dict.fromkeys(said))}
    which = torch.tensor([names[text] for text in said])
    runs = torch.arange(len(said)).split(TOGETHER)
    losses: list[float] = []
    for step in range(steps):
        some = torch.cat([runs[i] for i in rng.choice(len(runs), min(len(runs), max(1, batch // TOGETHER)), replace=False)])
        loss = contrast(chooser.asked(queries[some]), chooser.texts(keys[some]), chooser.temperature, which[some][:, None] == which[some][None])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for group in optimizer.param_groups:  # up over twenty steps, down over the last half
            group["lr"] = lr * min(1.0, (step + 1) / 20, 2 * (steps - step) / steps)
        optimizer.step()
        losses.append(float(loss.detach()))
        if (step + 1) % 100 == 0:
            log(event="train", step=step + 1, loss=float(np.mean(losses[-100:])))


@torch.no_grad()
def judged(chooser: Chooser, queries: Tensor, keys: Tensor) -> list[float]:
    """Reciprocal rank of a question's own text among all, with its interval."""
    return mean_interval(reciprocal_ranks((chooser.asked(queries) @ chooser.texts(keys).t()).numpy(), np.arange(len(queries))))


def parser() -> argparse.ArgumentParser:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--base", type=Path, default=home() / "runs/joint/decayed/last.pt")
    args.add_argument("--tokens", type=Path, default=home() / "tokens")
    args.add_argument("--functions", type=Path, required=True, help="folder or jsonl of functions.py")
    args.add_argument("--held-out", type=Path, help="another, of repositories that nothing was trained on: choosing is judged among --pool of them")
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
        kinds = {"functions": [not text.startswith("\n") for text in said], "continued": [text.startswith("\n") for text in said]}
        found.update({kind: {"pool": sum(own), "mrr": judged(chooser, queries[own], keys[own])} for kind, own in kinds.items() if any(own)})
    log(event="end", **found)
    return found


if __name__ == "__main__":
    print(json.dumps(main()))
