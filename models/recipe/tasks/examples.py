"""From functions to token rows: what each task shows and asks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recipe.config import ID
from recipe.model.loss import IGNORE
from recipe.tasks.functions import Function
from recipe.tokens.encoder import Encoder


class Examples(NamedTuple):
    """Rows without sinks, and for every token whether it is to be predicted."""

    rows: list[list[int]]
    predicted: list[list[bool]]

    @staticmethod
    def of(pairs: list[tuple[list[int], list[int]]]) -> "Examples":
        """Rows of (prompt, answer): the answer is to be predicted."""
        rows = [[*prompt, *answer] for prompt, answer in pairs]
        return Examples(rows, [[False] * len(prompt) + [True] * len(answer) for prompt, answer in pairs])

    def targets(self, sinks: int, size: int) -> np.ndarray:
        """Next-token targets [B, size] of the rows behind `sinks` sinks."""
        targets = np.full((len(self.rows), size), IGNORE, np.int64)
        for i, (row, predicted) in enumerate(zip(self.rows, self.predicted)):
            for j, (token, wanted) in enumerate(zip(row, predicted)):
                if wanted:
                    targets[i, sinks + j - 1] = token
        return targets


class ExampleMaker:
    def __init__(self, encode: Encoder, code_tokens: int = 160, text_tokens: int = 48):
        """code_tokens, text_tokens: where code and text are cut."""
        self.encode, self.code_tokens, self.text_tokens = encode, code_tokens, text_tokens

    def gist(self, f: Function) -> tuple[list[int], list[int]]:
        """Code and its gist. The code keeps its name: a gist is written about what is there."""
        code, summary = self.encode(f.code)[: self.code_tokens], self.encode(f.summary)[: self.text_tokens]
        return code, [*summary, ID["end"]]

    def gists(self, functions: list[Function]) -> Examples:
        pairs = [self.gist(f) for f in functions]
        return Examples.of([([*code, ID["gist"]], gist) for code, gist in pairs])

    def chat(self, f: Function, rng: np.random.Generator) -> tuple[list[int], list[int]]:
        """A short question about shown code and a grounded answer: prompt and answer of the chat template."""
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

    def chats(self, functions: list[Function], rng: np.random.Generator) -> Examples:
        return Examples.of([self.chat(f, rng) for f in functions])
