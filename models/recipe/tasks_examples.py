"""From functions to rows: what each task of the tasks stage shows and asks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from config import ID
from data import Encoder
from loss import IGNORE
from tasks_data import Function


class Lesson(NamedTuple):
    """Rows without sinks and, for every token, whether it is to be predicted."""

    rows: list[list[int]]
    asked: list[list[bool]]


class Pointing(NamedTuple):
    rows: list[list[int]]
    lines: list[list[int]]  # places of the last token of each line
    first: list[int]  # 0: none, else 1 + index of the line
    last: list[int]


class Maker:
    def __init__(self, encode: Encoder, code_tokens: int = 160, text_tokens: int = 48, window: int = 480):
        self.encode, self.code_tokens, self.text_tokens, self.window = encode, code_tokens, text_tokens, window
        self.breaks = [encode.decode([i]).count("\n") if encode.newline[i] else 0 for i in range(encode.vocab)]

    def code(self, f: Function, hide: bool) -> list[int]:
        return self.encode(f.hidden(f.code) if hide else f.code)[:self.code_tokens]

    def text(self, f: Function, hide: bool) -> list[int]:
        return self.encode(f.hidden(f.summary) if hide else f.summary)[:self.text_tokens]

    def question(self, f: Function, hide: bool = True) -> list[int]:
        return [ID["query"], *self.text(f, hide)]

    def words(self, text: str) -> list[int]:
        return [ID["query"], *self.encode(text)[:self.text_tokens]]

    def gist(self, f: Function) -> tuple[list[int], list[int]]:
        """Code and what is to be said of it. The code keeps its name: a gist is written about what is there."""
        return self.code(f, hide=False), [*self.text(f, hide=False), ID["end"]]

    def gist_lesson(self, functions: list[Function]) -> Lesson:
        rows, asked = [], []
        for f in functions:
            code, gist = self.gist(f)
            rows.append([*code, ID["gist"], *gist])
            asked.append([False] * (len(code) + 1) + [True] * len(gist))
        return Lesson(rows, asked)

    def pointing(self, target: Function, others: list[Function], rng: np.random.Generator, none: bool) -> tuple:
        """Several functions one after another, names hidden, and a question about one of them, or about none there."""
        shown = list(others) if none else [*others, target]
        rng.shuffle(shown)
        asked = [*self.question(target), ID["point"]]
        room = self.window - len(asked)
        text, first, last = "", 0, 0
        for f in shown:
            piece = f.hidden(f.code).rstrip("\n") + "\n"
            if f is target:
                first, last = text.count("\n") + 1, text.count("\n") + piece.count("\n")
            elif len(self.encode(text + piece)) > room:
                continue
            text += piece
        # Cut into tokens as one text: where pieces were joined as tokens, the seams would give the first lines away.
        ids = self.encode(text)[:room]
        lines = self.line_ends(ids)
        if first > len(lines):
            first = 0
        return [*ids, *asked], lines, first, min(last, len(lines)) if first else 0

    def line_ends(self, ids: list[int]) -> list[int]:
        """For every line, the token that ends it. One token may end several: a break, blank lines and indentation are one."""
        return [i for i, token in enumerate(ids) for _ in range(self.breaks[token])]

    def pointings(self, functions: list[Function], rng: np.random.Generator, none_share: float = 0.2) -> Pointing:
        """Each function in turn is asked for among the others of the batch (which are of the same few repositories)."""
        made = []
        for f in functions:
            near = [o for o in functions if o is not f and o.repo == f.repo and o.summary != f.summary]
            far = [o for o in functions if o.repo != f.repo]
            rng.shuffle(far)
            made.append(self.pointing(f, (near + far)[:4], rng, bool(rng.random() < none_share)))
        made = [m for m in made if m[1] and len(m[0]) <= self.window + 1]
        return Pointing(*(list(part) for part in zip(*made)))

    def chat(self, f: Function, rng: np.random.Generator) -> tuple[list[int], list[int]]:
        """A short question about shown code and an answer that rests on it: prompt and answer of the chat template."""
        place = f"{f.path}:{f.startLine}"
        kinds = [
            (f"What does `{f.name}` do?", f"{f.summary} [{place}]"),
            (f"Where is `{f.name}` defined?", f"`{f.name}` is defined in {f.path}, line {f.startLine}."),
            (f"Which function does this: {f.hidden(f.summary)}", f"`{f.name}` [{place}]"),
        ]
        question, answer = kinds[rng.integers(len(kinds))]
        shown = self.encode(f"{place}\n{f.code}")[:self.code_tokens]
        prompt = [ID["user"], *shown, *self.encode("\n\n" + question), ID["end"], ID["assistant"]]
        return prompt, [*self.encode(answer)[:self.text_tokens + 24], ID["end"]]

    def chat_lesson(self, functions: list[Function], rng: np.random.Generator) -> Lesson:
        rows, asked = [], []
        for f in functions:
            prompt, answer = self.chat(f, rng)
            rows.append([*prompt, *answer])
            asked.append([False] * len(prompt) + [True] * len(answer))
        return Lesson(rows, asked)


def lesson_targets(lesson: Lesson, sinks: int, size: int) -> np.ndarray:
    """Next-token targets [B, size] for rows behind `sinks` sinks."""
    targets = np.full((len(lesson.rows), size), IGNORE, np.int64)
    for i, (row, asked) in enumerate(zip(lesson.rows, lesson.asked)):
        for j, (token, wanted) in enumerate(zip(row, asked)):
            if wanted:
                targets[i, sinks + j - 1] = token
    return targets
