"""The worth of memory tokens on held-out text: against no past, a window of as many raw rows, and the whole past."""

from __future__ import annotations

import numpy as np
import torch

from recipe.eval.intervals import interval
from recipe.eval.recall import RecallEvaluation
from recipe.machine import autocast
from recipe.model.kv_rows import Rows
from recipe.model.loss import IGNORE
from recipe.model.memory_slots import SINKS, MemoryModel
from recipe.tasks.chains import chain
from recipe.tasks.keys import KeyMaker
from recipe.tokens.store import Tokens

SEGMENTS = 16  # segments of a chain, at most


class MemoryEvaluation:
    """length: rows of a segment. chains: how many texts are measured. Intervals are over chains."""

    def __init__(
        self, model: MemoryModel, tokens: Tokens, keys: KeyMaker, length: int, window: int, chains: int, where
    ):
        self.model, self.tokens, self.where = model, tokens, where
        self.length, self.window, self.chains = length, window, chains
        self.recall = RecallEvaluation(model, tokens, keys, where)

    def report(self, ratios: list[int]) -> dict:
        """Perplexity, keys and needles at every ratio."""
        length, chains, recall = self.length, self.chains, self.recall
        found: dict = {"length": length, "window": self.window, "chains": chains}
        for ratio in ratios:
            found[f"ratio_{ratio}"] = {
                **self.last_segment(ratio),
                "repeat_accuracy": recall.repeat(ratio, length, max(4, chains // 8)),
                "copy": recall.keys_read(ratio, length, 3 * chains),
            }
        found["copy_raw"] = recall.keys_read(1, length // 2, chains)
        found["needles"] = {
            f"{form}_of_{segments}": recall.needles_found(ratio, length, 2 * chains, segments)
            for form, ratio in (("raw", 1), ("memories", min(ratios)))
            for segments in (1, 2, 4)
        }
        return found

    @torch.no_grad()
    def last_segment(self, ratio: int, seed: int = 5) -> dict:
        """Perplexity of a chain's last segment, by what is known of the segments before it."""
        length, model = self.length, self.model
        rows = max(1, -(-length // ratio))  # memory rows of a segment
        count = max(2, min(SEGMENTS, (self.window - SINKS - length) // rows + 1))
        sums: dict[str, list[float]] = {}
        counts = []
        rng = np.random.default_rng((seed, ratio))
        for _ in range(self.chains):
            data = chain(self.tokens, rng, 1, count, length, anchors=False)
            ids, targets = data.ids.to(self.where), data.targets[:, -1].to(self.where)
            sinks, past = model.sinks(1, self.where), ids[:, :-1].reshape(1, -1)
            with autocast(self.where):
                memories = model.encode_all(ids[:, :-1], ratio)
                raw_rows = {"window": memories.count}
                if SINKS + past.shape[1] + length <= self.window:
                    raw_rows["whole"] = past.shape[1]
                hidden = {
                    "memories": model.decode(ids[:, -1], memories, sinks),
                    "none": model.decode(ids[:, -1], None, sinks),
                }
                for name, size in raw_rows.items():
                    raw = torch.cat([past[:, past.shape[1] - size :], ids[:, -1]], 1)
                    hidden[name] = model.decode(raw, None, sinks)[:, size:]
                for name, states in hidden.items():
                    sums.setdefault(name, []).append(float(model.loss(states, targets)[1].sum()))
            counts.append(int((targets != IGNORE).sum()))
        n, arrays = np.array(counts), {name: np.array(values) for name, values in sums.items()}
        return {
            "segments": count,
            "rows": rows * (count - 1),
            **{name: interval(values, n) for name, values in arrays.items()},
            "memories_over_window": interval(arrays["memories"], n, arrays["window"]),
            "memories_over_none": interval(arrays["memories"], n, arrays["none"]),
        }

    @torch.no_grad()
    def beside_rows(self, ratio: int, segments: int, recent: int, seed: int = 6, fresh: int = 0) -> dict:
        """Memory tokens of a far past and the latest `recent` raw rows, against a window of as many raw rows in all.

        The text that follows is measured, `length` tokens of it. With `fresh` (and no recent rows) it is the first `fresh`
        tokens of a file, and the past is what stands before it in its repository. The controls keep the raw rows.
        In place of the memory tokens they have nothing, rows of zeros, or the memory tokens of another chain.
        """
        model, past_rows, measured = self.model, segments * self.length, fresh or self.length
        rng = np.random.default_rng((seed, ratio))
        starts = rng.integers(0, len(self.tokens.ids) - past_rows - recent - self.length - 1, self.chains)
        if fresh:
            starts = new_files(self.tokens, rng, past_rows, measured, self.chains) - past_rows
        sums: dict[str, list[float]] = {}
        other = None
        for start in np.append(starts[-1:], starts):  # the last chain comes first too, as the first one's "other"
            text = torch.from_numpy(self.tokens.text(start, past_rows + recent + measured + 1))[None].to(self.where)
            past, raw, targets = text[:, :past_rows], text[:, past_rows:-1], text[:, past_rows + recent + 1 :]
            sinks = model.sinks(1, self.where)
            with autocast(self.where):
                memories = model.encode_all(past.view(1, segments, self.length), ratio)
                if other is None:
                    other = memories
                    continue
                zeros = Rows(*([torch.zeros_like(x) for x in part] for part in memories))
                window = torch.cat([past[:, past_rows - memories.count :], raw], 1)
                for name, rows, ids in (
                    ("memories", memories, raw),
                    ("window", None, window),
                    ("left_out", None, raw),
                    ("zeroed", zeros, raw),
                    ("shuffled", other, raw),
                ):
                    _, each = model.loss(model.decode(ids, rows, sinks)[:, -measured:], targets)
                    sums.setdefault(name, []).append(float(each.sum()))
            other = memories
        n, arrays = np.full(len(starts), measured), {name: np.array(values) for name, values in sums.items()}
        ratios = {f"memories_over_{name}": interval(arrays["memories"], n, arrays[name]) for name in list(arrays)[1:]}
        rows = {"past": past_rows, "recent": recent, "fresh": fresh, "memory_rows": memories.count}
        figures = {name: interval(values, n) for name, values in arrays.items()}
        return {"ratio": ratio, **rows, "chains": len(starts), **figures, **ratios}


def new_files(tokens: Tokens, rng: np.random.Generator, before: int, length: int, count: int) -> np.ndarray:
    """Offsets where files of more than `length` tokens start that have `before` tokens of their repository before them.

    Up to `count` of them; it is an error when there are none.
    """
    repos, found = tokens.repositories(), []
    for doc in rng.permutation(tokens.count):
        start, end = int(tokens.docs[doc]), int(tokens.docs[doc + 1])
        if start < before or end - start <= length:
            continue
        if repos[np.searchsorted(tokens.docs, start - before, "right") - 1] == repos[doc]:
            found.append(start)
        if len(found) == count:
            break
    if not found:
        raise SystemExit(f"no document of {length} tokens has {before} tokens of its repository before it")
    return np.array(found)
