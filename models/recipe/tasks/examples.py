"""From functions to rows: what each task of the tasks stage shows and asks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recipe.config import ID
from recipe.model.loss import IGNORE
from recipe.tasks.functions import Function
from recipe.tokens.encoder import Encoder


class Lesson(NamedTuple):
    """Rows without sinks and, for every token, whether it is to be predicted."""

    rows: list[list[int]]
    asked: list[list[bool]]


class Maker:
    def __init__(self, encode: Encoder, code_tokens: int = 160, text_tokens: int = 48, window: int = 480):
        self.encode, self.code_tokens, self.text_tokens, self.window = encode, code_tokens, text_tokens, window

    def code(self, f: Function, hide: bool) -> list[int]:
        return self.encode(f.hidden(f.code) if hide else f.code)[: self.code_tokens]

    def text(self, f: Function, hide: bool) -> list[int]:
        return self.encode(f.hidden(f.summary) if hide else f.summary)[: self.text_tokens]

    def question(self, f: Function, hide: bool = True) -> list[int]:
        return [ID["query"], *self.text(f, hide)]

    def words(self, text: str) -> list[int]:
        return [ID["query"], *self.encode(text)[: self.text_tokens]]

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

    def chat(self, f: Function, rng: np.random.Generator) -> tuple[list[int], list[int]]:
        """A short question about shown code and an answer that rests on it: prompt and answer of the chat template."""
        place = f"{f.path}:{f.startLine}"
        kinds = [
            (f"What does `{f.name}` do?", f"{f.summary} [{place}]"),
            (f"Where is `{f.name}` defined?", f"`{f.name}` is defined in {f.path}, line {f.startLine}."),
            (f"Which function does this: {f.hidden(f.summary)}", f"`{f.name}` [{place}]"),
        ]
        question, answer = kinds[rng.integers(len(kinds))]
        shown = self.encode(f"{place}\n{f.code}")[: self.code_tokens]
        prompt = [ID["user"], *shown, *self.encode("\n\n" + question), ID["end"], ID["assistant"]]
        return prompt, [*self.encode(answer)[: self.text_tokens + 24], ID["end"]]

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
