"""Training rows: packed token sequences with their layout, drawn from a split in a seeded, resumable order."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from queue import Queue
from typing import Iterator, NamedTuple

import numpy as np
import torch
from torch import Tensor

from recipe.config import ID, SINK_IDS
from recipe.model.loss import IGNORE
from recipe.model.masks import ANCHOR, KEPT, READER, Layout
from recipe.tokens.store import Tokens

# Kinds of rows: plain causal; AnSAN; segments each alone behind the sinks; and segments alone, kept whole or as anchors,
# followed by a reader that sees them all, as a question over a spliced context does.
KINDS = ("full", "ansan", "alone", "spliced")
SHARES = (0.35, 0.40, 0.08, 0.17)


LANES = 64  # documents read side by side, so that the rows of a batch come from different ones


@dataclass
class Cursor:
    """Place of a stream. With the seed it determines every later row."""

    epoch: int = 0
    next: int = 0  # place in the epoch's order of the next document to open
    rows: int = 0
    lanes: list = field(default_factory=list)


class Batch(NamedTuple):
    ids: Tensor  # int64 [B, T]
    targets: Tensor  # int64 [B, T], IGNORE where nothing is to be predicted
    layout: Layout  # int32 [B, T] each
    cursor: dict  # the stream after this batch
    kinds: list

    def to(self, device) -> "Batch":
        return self._replace(
            ids=self.ids.to(device),
            targets=self.targets.to(device),
            layout=Layout(*(a.to(device) for a in self.layout)),
        )


class Stream:
    """Rows of documents, which are read in a new random order each epoch."""

    def __init__(self, tokens: Tokens, seed: int, cursor: dict | None = None, shares=SHARES):
        self.tokens, self.seed, self.shares = tokens, seed, np.array(shares) / sum(shares)
        self.at = Cursor(**(cursor or {}))
        self._shuffle()
        while len(self.at.lanes) < LANES:
            self.at.lanes.append([self._open(), 0])

    def _shuffle(self) -> None:
        self.order = np.random.default_rng((self.seed, self.at.epoch)).permutation(self.tokens.count)

    def _open(self) -> int:
        """The next document."""
        if self.at.next >= self.tokens.count:
            self.at.next, self.at.epoch = 0, self.at.epoch + 1
            self._shuffle()
        self.at.next += 1
        return int(self.order[self.at.next - 1])

    def _advance(self, lane: list, used: int, rest: int) -> None:
        lane[1] += used
        if used >= rest:
            lane[:] = [self._open(), 0]

    def row(self, length: int, kind: str | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
        """ids [length + 1], layout [4, length + 1], whether each token is a target (bool [length + 1]), and the kind."""
        rng = np.random.default_rng((self.seed, 7, self.at.rows))
        lane = self.at.lanes[self.at.rows % LANES]
        self.at.rows += 1
        kind = kind or KINDS[rng.choice(len(KINDS), p=self.shares)]
        size = length + 1
        ids = np.full(size, ID["pad"], np.int64)
        layout = np.zeros((4, size), np.int32)
        target = np.zeros(size, bool)
        ids[: len(SINK_IDS)] = SINK_IDS
        at, doc = len(SINK_IDS), 0
        while at < size:
            doc += 1
            start, end = int(self.tokens.docs[lane[0]]) + lane[1], int(self.tokens.docs[lane[0] + 1])
            part, parts, used = self._piece(start, min(end, start + size - at), size - at, kind, rng)
            n = len(part)
            ids[at : at + n], layout[:, at : at + n] = part, parts
            layout[0, at : at + n] = doc
            target[at : at + n] = part != ID["anchor"]  # anchors are inserted by rule, not predicted
            target[at] = False  # nothing tells what a document starts with
            self._advance(lane, used, end - start)
            at += n
        return ids, layout, target, kind

    def _piece(self, start: int, end: int, room: int, kind: str, rng) -> tuple[np.ndarray, np.ndarray, int]:
        """Tokens [start, end), with anchors if the kind has them, cut to `room`: ids, layout [4, n], tokens used."""
        ids = np.asarray(self.tokens.ids[start:end]).astype(np.int64)
        cuts = self.tokens.cuts(start, end)
        with_anchors = kind in ("ansan", "spliced") or (kind == "alone" and rng.random() < 0.5)
        if with_anchors and len(cuts):
            ids = np.insert(ids, cuts, ID["anchor"])[:room]
        is_anchor = ids == ID["anchor"]
        n = len(ids)
        layout = np.zeros((4, n), np.int32)
        layout[3] = is_anchor * ANCHOR
        if kind in ("ansan", "spliced"):
            layout[2] = np.cumsum(is_anchor) - is_anchor
        if kind in ("alone", "spliced"):
            self._blocks(layout, is_anchor, cuts, rng, kind == "spliced", with_anchors)
        return ids, layout, n - int(is_anchor.sum())

    @staticmethod
    def _blocks(layout, is_anchor, cuts, rng, spliced: bool, with_anchors: bool) -> None:
        """Writes blocks of about 48 to 224 tokens that end at an anchor's place into the layout; spliced adds the reader."""
        n = layout.shape[1]
        ends = np.flatnonzero(is_anchor) + 1 if with_anchors else cuts[cuts < n]
        borders, last = [], 0
        want = rng.integers(48, 224)
        for end in ends.tolist():
            if end - last >= want and end < n:
                borders.append(end)
                last, want = end, rng.integers(48, 224)
        for number, (a, b) in enumerate(zip([0] + borders, borders + [n])):
            layout[1, a:b] = number
            if spliced and rng.random() < 0.5:
                layout[3, a:b] |= KEPT
                layout[2, a:b] = layout[2, a] + 10_000  # within a kept segment anchors hide nothing
        if spliced and borders:
            layout[3, borders[rng.integers(max(0, len(borders) - 2), len(borders))] :] |= READER

    def batch(self, count: int, length: int, kind: str | None = None) -> Batch:
        rows = [self.row(length, kind) for _ in range(count)]
        ids = torch.from_numpy(np.stack([r[0] for r in rows]))
        layout = torch.from_numpy(np.stack([r[1] for r in rows], 1))
        target = torch.from_numpy(np.stack([r[2] for r in rows]))
        targets = torch.where(target[:, 1:], ids[:, 1:], torch.full_like(ids[:, 1:], IGNORE))
        return Batch(
            ids[:, :-1].contiguous(),
            targets,
            Layout(*layout[:, :, :-1].contiguous()),
            asdict(self.at),
            [r[3] for r in rows],
        )


def prefetch(stream: Stream, count: int, length: int, depth: int = 4) -> Iterator[Batch]:
    """Batches that a thread makes ahead. It is a daemon: it ends with the run."""
    queue: Queue = Queue(depth)

    def work() -> None:
        while True:
            queue.put(stream.batch(count, length))

    threading.Thread(target=work, daemon=True).start()
    while True:
        yield queue.get()
