"""Batches for the memory stage: chains of segments, and texts with random keys to be copied."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from recipe.config import ID
from recipe.model.loss import IGNORE
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import Tokens


class Keys(NamedTuple):
    """Segments of which one holds a key. segments [B, count, n]; question [B, q]; targets [B, q] (the value, else IGNORE)."""

    segments: Tensor
    question: Tensor
    targets: Tensor


# What a value is made of: digits, a name as it stands in code, random word pieces, pieces and digits.
KINDS = ("number", "identifier", "pieces", "mixed")
KIND_SHARES = (0.35, 0.47, 0.10, 0.08)


class KeyMaker:
    """Lines like `retryLimit = "q7hZ2..."`: a name of two or three word pieces and a value nothing predicts."""

    def __init__(self, encode: Encoder, value_tokens: int = 6):
        vocabulary = [encode.decode([i]) for i in range(encode.vocab)]
        self.words = np.array([i for i, t in enumerate(vocabulary) if i >= len(ID) and t.isascii() and t.isalpha()])
        self.starts = np.array([i for i in self.words if len(vocabulary[i]) >= 3] or self.words.tolist())
        self.digits = np.array(
            [i for i, t in enumerate(vocabulary) if i >= len(ID) and len(t) == 1 and t.isascii() and t.isdigit()]
        )
        self.line, self.equals, self.end = encode("\n"), encode(' = "'), encode('"')
        self.value_tokens, self.encode = value_tokens, encode
        self.identifiers: list[list[int]] = []

    def make(self, tokens: Tokens, rng: np.random.Generator, batch: int, count: int, length: int) -> Keys:
        segments, questions, targets = [], [], []
        for _ in range(batch):
            start = int(rng.integers(0, max(1, len(tokens.ids) - count * length - 1)))
            ids = np.asarray(tokens.ids[start : start + count * length]).astype(np.int64)
            name = rng.choice(self.starts, 2).tolist()
            value = np.where(
                rng.random(self.value_tokens) < 0.5,
                rng.choice(self.words, self.value_tokens),
                rng.choice(self.digits, self.value_tokens),
            ).tolist()
            line = [*self.line, *name, *self.equals, *value, *self.end, *self.line]
            holder = int(rng.integers(0, count))
            at = holder * length + int(rng.integers(0, length - len(line)))
            ids[at : at + len(line)] = line
            asked = [ID["query"], *name, *self.equals]
            question = asked + value
            segments.append(ids.reshape(count, length))
            questions.append(question)
            targets.append([IGNORE] * (len(asked) - 1) + value + [IGNORE])
        return Keys(*(torch.from_numpy(np.array(x)) for x in (np.stack(segments), questions, targets)))

    def read_identifiers(self, tokens: Tokens, windows: int = 600, most: int = 4) -> None:
        """Collects names made of several words from random places of the text: values of the kind "identifier", at most `most` tokens each."""
        rng, found = np.random.default_rng(31), set()
        for start in rng.integers(0, max(1, len(tokens.ids) - 512), windows):
            text = self.encode.decode(np.asarray(tokens.ids[start : start + 512]).tolist())
            found.update(
                re.findall(
                    r"(?<![A-Za-z0-9_])(?:[a-z]+(?:[A-Z][a-z]+)+|[a-z]+(?:_[a-z]+)+|(?:[A-Z][a-z]+){2,})(?![A-Za-z0-9_])",
                    text,
                )
            )
        self.identifiers = [ids for ids in (self.encode(name) for name in sorted(found)) if len(ids) <= most]

    def value(self, rng: np.random.Generator, kind: str, size: int) -> list[int]:
        """A value of `size` tokens of one of KINDS; an identifier has its own length, and is word pieces where none were read."""
        if kind == "identifier" and self.identifiers:
            return self.identifiers[int(rng.integers(0, len(self.identifiers)))]
        digits = {"number": 1.0, "mixed": 0.5}.get(kind, 0.0)
        return np.where(rng.random(size) < digits, rng.choice(self.digits, size), rng.choice(self.words, size)).tolist()

    def lesson(
        self,
        tokens: Tokens,
        rng: np.random.Generator,
        batch: int,
        count: int,
        length: int,
        lines: int,
        value_tokens: int,
        kind: str | None = None,
    ) -> Keys:
        """As `make`, with several keys in each text, which are then asked for one after another in any order.

        kind: of the values (KINDS); None draws one for each line.
        """
        segments, questions, targets = [], [], []
        for _ in range(batch):
            start = int(rng.integers(0, max(1, len(tokens.ids) - count * length - 1)))
            ids = np.asarray(tokens.ids[start : start + count * length]).astype(np.int64)
            asked: list[tuple[list[int], list[int]]] = []
            room = length * count // lines  # each line lies in a stretch of its own
            for i in range(lines):
                name = rng.choice(self.starts, int(rng.integers(1, 4))).tolist()
                value = self.value(rng, kind or str(rng.choice(KINDS, p=KIND_SHARES)), value_tokens)
                line = [*self.line, *name, *self.equals, *value, *self.end, *self.line]
                at = i * room + int(rng.integers(0, max(1, room - len(line) + 1)))
                ids[at : at + len(line)] = line[: len(ids) - at]
                asked.append(([ID["query"], *name, *self.equals], value))
            question, wanted = [], []
            for i in rng.permutation(lines):
                head, value = asked[i]
                question += head + value
                wanted += [IGNORE] * (len(head) - 1) + value + [IGNORE]
            segments.append(ids.reshape(count, length))
            questions.append(question)
            targets.append(wanted)
        longest = max(len(q) for q in questions)
        for q, w in zip(questions, targets):
            w += [IGNORE] * (longest - len(q))
            q += [ID["pad"]] * (longest - len(q))
        return Keys(*(torch.from_numpy(np.array(x)) for x in (np.stack(segments), questions, targets)))
