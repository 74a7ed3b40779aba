"""Held-out perplexity by mask: `python -m recipe.eval.perplexity --checkpoint FILE_OR_FOLDER --tokens DIR`.

The same ordinary tokens are predicted under every form, so the losses are paired:

    full       causal over all rows, no anchors in the text
    marked     causal over all rows, anchors in the text: the cost of the anchor tokens alone
    ansan      AnLLM's mask: a closed segment leaves one row
    composed   ansan and the latest --recent rows, closed or not, as the engine's anchors beside a window
    latest     full, for texts beyond the trained window: the sinks and the latest rows, read anew every quarter window
    window     no anchors; the sinks and as many of the latest rows as "composed" sees on average
    untrained  full, with a model of the same shape and random weights

Intervals are 95% bootstrap over documents.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recipe.checkpoint import load_model
from recipe.config import ID, SINK_IDS, home
from recipe.eval.intervals import interval
from recipe.log import Log
from recipe.machine import autocast, device
from recipe.model.attention import sdpa
from recipe.model.banded_attention import BLOCK, banded
from recipe.model.distance_ceiling import capped
from recipe.model.loss import IGNORE, cross_entropy
from recipe.model.masks import Layout, anchored, sees
from recipe.model.transformer import Llama
from recipe.tokens.store import Tokens


def chunks(tokens: Tokens, count: int, length: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first `length` tokens of `count` documents that have them: (ids, anchor cuts)."""
    found = []
    for doc in np.random.default_rng(seed).permutation(tokens.count):
        start, end = int(tokens.docs[doc]), int(tokens.docs[doc + 1])
        if end - start >= length:
            cuts = tokens.cuts(start, start + length)
            found.append((np.asarray(tokens.ids[start : start + length]).astype(np.int64), cuts[cuts < length]))
        if len(found) == count:
            break
    return found


def joined(tokens: Tokens, count: int, length: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """`count` stretches of `length` tokens from file after file of one repository each."""
    rng, repos, found = np.random.default_rng(seed), tokens.repositories(), []
    for doc in rng.permutation(tokens.count):
        start = int(tokens.docs[doc])
        end = start + length
        if end <= len(tokens.ids) and repos[doc] == repos[int(np.searchsorted(tokens.docs, end - 1, "right")) - 1]:
            cuts = tokens.cuts(start, end)
            found.append((np.asarray(tokens.ids[start:end]).astype(np.int64), cuts[cuts < length]))
        if len(found) == count:
            break
    return found


def tensors(ids: np.ndarray, cuts: np.ndarray) -> tuple[Tensor, Tensor]:
    """ids [1, T] behind the sinks with anchors at the cuts, and next-token targets, none of which is an anchor."""
    ids = np.concatenate([SINK_IDS, np.insert(ids, cuts, ID["anchor"])])
    targets = np.append(ids[1:], IGNORE)
    targets[targets == ID["anchor"]] = IGNORE
    targets[: len(SINK_IDS)] = IGNORE  # the first token of a document (<|file|>) is given
    return torch.from_numpy(ids)[None], torch.from_numpy(targets)[None]


@torch.no_grad()
def losses(
    model: Llama, ids: Tensor, targets: Tensor, layout: Layout | None, window: int, where, ceiling: int = 0
) -> np.ndarray:
    """Nats of each target, in order.

    layout None: every earlier row is seen. ceiling: the largest distance at which a row is seen; 0 is none.
    """
    attend, ids, targets = sdpa, ids.to(where), targets.to(where)
    if ceiling:
        attend = capped(model.rope, ceiling, layout, window)
    elif layout is not None:
        room = -ids.shape[1] % BLOCK  # padding comes after all rows that count
        ids, targets = F.pad(ids, (0, room), value=ID["pad"]), F.pad(targets, (0, room), value=IGNORE)
        attend = banded(
            Layout(
                *(F.pad(part, (0, room), value=part.max().item() + 1) for part in layout[:3]),
                F.pad(layout.role, (0, room)),
            ),
            window,
        )
    positions = torch.arange(ids.shape[1], device=where)[None]
    with autocast(where):
        hidden = model(ids, positions, None, attend=attend)
        _, each = cross_entropy(hidden, model.model.embed_tokens.weight, targets)
    return each[targets != IGNORE].cpu().numpy()


def latest(model: Llama, ids: Tensor, targets: Tensor, where) -> np.ndarray:
    """Nats of each target when each quarter of the trained window is read behind the rows that fit the rest of the window."""
    n, step, found, done = len(SINK_IDS), model.window // 4, [], 0
    for end in [*range(model.window, ids.shape[1], step), ids.shape[1]]:
        start = max(n, end - model.window + n)
        part = torch.cat([ids[:, :n], ids[:, start:end]], 1)
        wanted = torch.cat([targets[:, :n], targets[:, start:end]], 1).clone()
        if found:
            wanted[:, : part.shape[1] - (end - done)] = IGNORE
        found.append(losses(model, part, wanted, None, 0, where))
        done = end
    return np.concatenate(found)


def windowed(rows: int, sinks: int) -> Layout:
    """The layout of rows that see the sinks and a window only: each is a segment of its own."""
    doc = torch.ones(1, rows, dtype=torch.int32)
    doc[:, :sinks] = 0
    return Layout(doc, torch.zeros_like(doc), torch.arange(rows, dtype=torch.int32)[None], torch.zeros_like(doc))


def rows_seen(layout: Layout, window: int = 0) -> np.ndarray:
    """Number of rows that each row of the first sequence sees, int64 [T]."""
    one = Layout(*(part[0] for part in layout))
    at = torch.arange(len(one.doc), device=one.doc.device)
    parts = [
        sees(Layout(*(p[a : a + BLOCK] for p in one)), one, at[a : a + BLOCK], at, window).sum(1)
        for a in range(0, len(at), BLOCK)
    ]
    return torch.cat(parts).cpu().numpy()


FORMS = ("full", "marked", "ansan", "composed", "latest", "window", "untrained")


def forms(
    model: Llama,
    untrained: Llama,
    ids: np.ndarray,
    cuts: np.ndarray,
    recent: int,
    where,
    wanted=FORMS,
    ceiling: int = 0,
) -> tuple[dict, dict]:
    """Losses by form, and counts of rows, for one document."""
    none, sinks = np.zeros(0, np.int64), len(SINK_IDS)
    plain, plain_targets = tensors(ids, none)
    marked, marked_targets = tensors(ids, cuts)
    layout = anchored(marked == ID["anchor"], sinks)
    seen, seen_composed = rows_seen(layout), rows_seen(layout, recent)
    width = max(1, round(float(seen_composed[sinks:].mean())) - sinks)
    made = {
        "full": lambda: losses(model, plain, plain_targets, None, 0, where, ceiling),
        "marked": lambda: losses(model, marked, marked_targets, None, 0, where, ceiling),
        "ansan": lambda: losses(model, marked, marked_targets, layout, 0, where, ceiling),
        "composed": lambda: losses(model, marked, marked_targets, layout, recent, where, ceiling),
        "latest": lambda: latest(model, plain, plain_targets, where),
        "window": lambda: losses(model, plain, plain_targets, windowed(plain.shape[1], sinks), width, where),
        "untrained": lambda: losses(untrained, plain, plain_targets, None, 0, where),
    }
    found = {name: made[name]() for name in wanted}
    return found, {
        "ordinary": len(ids),
        "anchors": len(cuts),
        "seen": float(seen[sinks:].mean()),
        "seen_composed": float(seen_composed[sinks:].mean()),
        "kept_composed": int(seen_composed[-1]),
    }


def evaluate(
    model: Llama,
    tokens: Tokens,
    count: int,
    length: int,
    recent: int,
    where,
    seed: int = 3,
    files: bool = False,
    wanted=FORMS,
    ceiling: int = 0,
) -> dict:
    model.eval().to(where)
    wanted = [form for form in wanted if form != "latest" or length > model.window]
    untrained = Llama(model.config, seed=1).eval().to(where)
    sums: dict[str, list[float]] = {}
    counts, rows = [], []
    for ids, cuts in (joined if files else chunks)(tokens, count, length, seed):
        found, info = forms(model, untrained, ids, cuts, recent, where, wanted, ceiling)
        for name, each in found.items():
            sums.setdefault(name, []).append(float(each.sum()))
        counts.append(len(next(iter(found.values()))))
        rows.append(info)
    if not counts:
        raise SystemExit(f"no document of {length} tokens")
    n = np.array(counts)
    arrays = {k: np.array(v) for k, v in sums.items()}
    report = {
        "documents": len(counts),
        "targets": int(n.sum()),
        "length": length,
        "joined": files,
        "ceiling": ceiling,
        "rows_kept_by_ansan": sum(r["anchors"] for r in rows) / sum(r["ordinary"] for r in rows),
        "rows_seen_under_ansan": float(np.mean([r["seen"] for r in rows])),
        "recent": recent,
        "rows_seen_composed": float(np.mean([r["seen_composed"] for r in rows])),
        "rows_left_composed": sum(r["kept_composed"] for r in rows) / sum(r["ordinary"] for r in rows),
    }
    for name, total in arrays.items():
        report[name] = interval(total, n)
    for name in ("ansan", "composed", "marked", "window"):
        if name in arrays and "full" in arrays:
            report[f"{name}_over_full"] = interval(arrays[name], n, arrays["full"])
        if name in arrays and "latest" in arrays:
            report[f"{name}_over_latest"] = interval(arrays[name], n, arrays["latest"])
    return report


def main(argv: list[str] | None = None) -> dict:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--checkpoint", type=Path, required=True)
    args.add_argument("--tokens", type=Path, default=home() / "tokens")
    args.add_argument("--split", default="test")
    args.add_argument("--documents", type=int, default=200)
    args.add_argument("--recent", type=int, default=96, help="rows of the window beside the anchors")
    args.add_argument(
        "--joined",
        action="store_true",
        help="stretches of file after file of a repository, in place of single documents",
    )
    args.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS, help="fewer of them for long texts")
    args.add_argument(
        "--ceiling",
        type=int,
        default=0,
        help="the largest distance at which a row is seen (0: none), for texts longer than the trained window",
    )
    args.add_argument("--length", type=int, help="ordinary tokens (default: what fits the first window with anchors)")
    args.add_argument("--log", type=Path, help="appends the report to this jsonl")
    args.add_argument("--device", default="auto")
    a = args.parse_args(argv)
    model = load_model(a.checkpoint)
    length = a.length or int(model.config.max_position_embeddings * 0.95) - len(SINK_IDS)
    report = evaluate(
        model,
        Tokens(a.tokens, a.split),
        a.documents,
        length,
        a.recent,
        device(a.device),
        files=a.joined,
        wanted=a.forms,
        ceiling=a.ceiling,
    )
    print(json.dumps(report, indent=1))
    if a.log:
        Log(a.log)(event="evaluate", checkpoint=str(a.checkpoint), split=a.split, **report)
    return report


if __name__ == "__main__":
    main()
