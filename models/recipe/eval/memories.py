"""What memories are worth, on held-out text: against no past, a window of as many raw rows, and the whole past."""

from __future__ import annotations

import numpy as np
import torch

from recipe.eval.intervals import interval
from recipe.eval.recall import copy_accuracy, needle_accuracy, repeat_accuracy
from recipe.machine import autocast
from recipe.model.kv_rows import Rows
from recipe.model.loss import IGNORE
from recipe.model.memory_slots import SINKS, MemoryModel
from recipe.tasks.chains import chain
from recipe.tasks.keys import KeyMaker
from recipe.tokens.store import Tokens


@torch.no_grad()
def evaluate_memories(
    model: MemoryModel,
    tokens: Tokens,
    keys: KeyMaker,
    ratios: list[int],
    length: int,
    window: int,
    chains: int,
    where,
    seed: int = 5,
) -> dict:
    """Perplexity of a chain's last segment by what is known of the segments before it, with 95% intervals over chains."""
    report: dict = {"length": length, "window": window, "chains": chains}
    for ratio in ratios:
        slots = max(1, -(-length // ratio))
        count = max(2, min(16, (window - SINKS - length) // slots + 1))
        found: dict[str, list[float]] = {}
        counts = []
        rng = np.random.default_rng((seed, ratio))
        for _ in range(chains):
            data = chain(tokens, rng, 1, count, length, anchors=False)
            ids, targets = data.ids.to(where), data.targets[:, -1].to(where)
            sinks = model.sinks(1, where)
            with autocast(where):
                memories = model.encode_all(ids[:, :-1], ratio)
                past = ids[:, :-1].reshape(1, -1)
                contexts = {"memories": memories, "none": None, "window": memories.count}
                if SINKS + past.shape[1] + length <= window:
                    contexts["whole"] = past.shape[1]
                for name, context in contexts.items():
                    if isinstance(context, int):
                        raw = torch.cat([past[:, past.shape[1] - context :], ids[:, -1]], 1)
                        hidden = model.decode(raw, None, sinks)[:, context:]
                    else:
                        hidden = model.decode(ids[:, -1], context, sinks)
                    _, each = model.loss(hidden, targets)
                    found.setdefault(name, []).append(float(each.sum()))
            counts.append(int((targets != IGNORE).sum()))
        n = np.array(counts)
        sums = {k: np.array(v) for k, v in found.items()}
        report[f"ratio_{ratio}"] = {
            "segments": count,
            "rows": int(slots * (count - 1)),
            **{k: interval(v, n) for k, v in sums.items()},
            "memories_over_window": interval(sums["memories"], n, sums["window"]),
            "memories_over_none": interval(sums["memories"], n, sums["none"]),
            "repeat_accuracy": repeat_accuracy(model, tokens, ratio, length, max(4, chains // 8), where),
            "copy": copy_accuracy(model, tokens, keys, ratio, length, 3 * chains, where),
        }
    report["copy_raw"] = copy_accuracy(model, tokens, keys, 1, length // 2, chains, where)
    report["needles"] = {
        f"{form}_of_{segments}": needle_accuracy(model, tokens, keys, ratio, length, 2 * chains, where, segments)
        for form, ratio in (("raw", 1), ("memories", min(ratios)))
        for segments in (1, 2, 4)
    }
    return report


@torch.no_grad()
def evaluate_beside(
    model: MemoryModel,
    tokens: Tokens,
    ratio: int,
    length: int,
    segments: int,
    recent: int,
    chains: int,
    where,
    seed: int = 6,
    fresh: int = 0,
) -> dict:
    """Memories of a far past and the latest `recent` raw rows, against a window of raw rows alone with as many rows in all.

    What is judged are the `length` tokens that follow. With `fresh` (and no recent rows) these are the first so many tokens of a file, and
    the past is what stands before it in its repository: a workspace's memories for a text that is not in it yet. The controls keep the raw rows and put in the memories' place: nothing, rows
    of zeros, the memories of another chain. Past and position of the raw rows are the same in all forms with memories.
    """
    past_rows = segments * length
    rng = np.random.default_rng((seed, ratio))
    starts = rng.integers(0, len(tokens.ids) - past_rows - recent - length - 1, chains)
    judged = fresh or length
    if fresh:
        starts = new_files(tokens, rng, past_rows, judged, chains) - past_rows
        chains = len(starts)
    sums: dict[str, list[float]] = {}
    other = None
    for start in np.append(starts[-1:], starts):  # the last chain comes first too, as the first one's "other"
        flat = torch.from_numpy(
            np.asarray(tokens.ids[start : start + past_rows + recent + judged + 1]).astype(np.int64)
        )[None].to(where)
        past, raw, targets = flat[:, :past_rows], flat[:, past_rows:-1], flat[:, past_rows + recent + 1 :]
        sinks = model.sinks(1, where)
        with autocast(where):
            memories = model.encode_all(past.view(1, segments, length), ratio)
            if other is None:
                other = memories
                continue
            zeros = Rows([torch.zeros_like(k) for k in memories.keys], [torch.zeros_like(v) for v in memories.values])
            more = memories.count
            for name, rows, ids in (
                ("memories", memories, raw),
                ("window", None, torch.cat([past[:, past_rows - more :], raw], 1)),
                ("left_out", None, raw),
                ("zeroed", zeros, raw),
                ("shuffled", other, raw),
            ):
                _, each = model.loss(model.decode(ids, rows, sinks)[:, -judged:], targets)
                sums.setdefault(name, []).append(float(each.sum()))
        other = memories
    n = np.full(chains, judged)
    arrays = {k: np.array(v) for k, v in sums.items()}
    return {
        "ratio": ratio,
        "past": past_rows,
        "recent": recent,
        "fresh": fresh,
        "memory_rows": more,
        "chains": chains,
        **{k: interval(v, n) for k, v in arrays.items()},
        **{f"memories_over_{k}": interval(arrays["memories"], n, v) for k, v in arrays.items() if k != "memories"},
    }


def new_files(tokens: Tokens, rng: np.random.Generator, before: int, length: int, count: int) -> np.ndarray:
    """Where `count` documents (fewer where there are no more) of `length` tokens or more start that have `before` tokens of their own
    repository before them.
    """
    repos = tokens.repositories()
    found = []
    for doc in rng.permutation(tokens.count):
        start, end = int(tokens.docs[doc]), int(tokens.docs[doc + 1])
        if (
            start >= before
            and end - start > length
            and repos[np.searchsorted(tokens.docs, start - before, "right") - 1] == repos[doc]
        ):
            found.append(start)
        if len(found) == count:
            break
    if not found:
        raise SystemExit(f"no document of {length} tokens has {before} tokens of its repository before it")
    return np.array(found)
