"""Needles for the lessons that read several segments: lines that give a name a value, look-alikes of them, and questions as users ask them.

Passkeys and RULER's multi-key task, from the generators' description, in more forms than any test has; names are made of syllables or word
pieces, values are numbers and names of several words from code. What is asked stands in a user's turn, the answer (`name = value`, `The port of name is value`) in the assistant's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from recipe.config import ID
from recipe.model.loss import IGNORE
from recipe.tasks.keys import KeyMaker, Keys
from recipe.tokens.store import Tokens

ASSIGNED = (
    "const {name} = {value};",
    "let {name} = {value};",
    "{name} = {value}",
    "{name}: {value},",
    "    {name}: {value}",
    "#define {name} {value}",
    '"{name}": {value},',
    "{name} := {value}",
    "int {name} = {value};",
    "self.{name} = {value}",
    "export const {name} = {value};",
)
# Names stand bare, as the product puts a question to the model: behind a quote a name falls into other tokens than behind a space, and then is hardly found.
ASKED_FOR = (
    "What is the value of {name}?",
    "What is the value of {name}?",
    "What is {name}?",
    "What value has {name}?",
    "What is {name} set to?",
)
TOLD = (
    "{mark}The {noun} of {name} is {value}. Remember it.",
    "{mark}The {noun} of {name} is {value}.",
    "{mark}The {noun} for {name}: {value}",
    "{mark}One of the {noun}s for {name} is: {value}.",
)
TOLD_ASKED_FOR = ("What is the {noun} of {name}?", "What is the {noun} for {name}?", "Which {noun} has {name}?")
NOUNS = ("pass key", "number", "special magic number", "port", "limit", "code", "key", "version", "size")
MARKS = ("// ", "# ", "", " * ", "-- ")
CONSONANTS, VOWELS = "bcdfgklmnprstvz", "aeiou"


class Needle(NamedTuple):
    """A line, what asks for it, and what is to be answered: as the line has it, up to the value."""

    line: str
    question: str
    answer: str
    name: str
    value: str


class NeedleMaker:
    def __init__(self, keys: KeyMaker):
        self.keys, self.encode = keys, keys.encode

    def word(self, rng: np.random.Generator) -> str:
        if rng.random() < 0.3:
            return self.encode.decode([int(rng.choice(self.keys.starts))]).lower()
        return "".join(
            str(rng.choice(list(CONSONANTS))) + str(rng.choice(list(VOWELS))) for _ in range(int(rng.integers(2, 4)))
        )

    def names(self, rng: np.random.Generator, count: int) -> list[str]:
        """One name and look-alikes that share a half of it each; a name of one word has none."""
        first, second = self.word(rng), self.word(rng)
        halves = [
            (first, second),
            *((first, self.word(rng)) if i % 2 else (self.word(rng), second) for i in range(count - 1)),
        ]
        kind = rng.random()
        if kind < 0.25:
            return [a if i == 0 else self.word(rng) for i, (a, _) in enumerate(halves)]
        return [a + b.capitalize() if kind < 0.5 else f"{a}_{b}" for a, b in halves]

    def value(self, rng: np.random.Generator) -> str:
        if self.keys.identifiers and rng.random() < 0.25:
            return self.encode.decode(self.keys.identifiers[int(rng.integers(len(self.keys.identifiers)))])
        size = int(rng.choice((2, 3, 4, 5, 5, 5, 6, 7)))
        return str(rng.integers(1, 10)) + "".join(str(d) for d in rng.integers(0, 10, size - 1))

    def needles(self, rng: np.random.Generator, count: int) -> list[Needle]:
        """`count` lines of one form whose names look alike."""
        told = rng.random() < 0.35
        line, question = (
            str(rng.choice(forms)) for forms in ((TOLD, TOLD_ASKED_FOR) if told else (ASSIGNED, ASKED_FOR))
        )
        known = {"noun": str(rng.choice(NOUNS)), "mark": str(rng.choice(MARKS))}
        made = []
        for name in self.names(rng, count):
            value = self.value(rng)
            answer = f"The {known['noun']} of {name} is {value}" if told else f"{name} = {value}"
            made.append(
                Needle(
                    line.format(name=name, value=value, **known),
                    question.format(name=name, **known),
                    answer,
                    name,
                    value,
                )
            )
        return made

    def lesson(
        self,
        tokens: Tokens,
        rng: np.random.Generator,
        batch: int,
        count: int,
        length: int,
        lines: int,
        several: float = 0.15,
        turns: int = 1,
    ) -> Keys:
        """Texts of `count` segments of `length` tokens, `lines` needles in each, one of them (or with the chance `several` up to four) asked for.

        With more `turns` one question follows the answer to another, of other needles while there are any. Segments [B, count, length],
        questions with their answers [B, T] and targets [B, T]: the answers and the ends of their turns.
        """
        segments, questions, targets = [], [], []
        for _ in range(batch):
            start = int(rng.integers(0, max(1, len(tokens.ids) - count * length - 1)))
            ids = np.asarray(tokens.ids[start : start + count * length]).astype(np.int64)
            made = self.needles(rng, lines)
            room = len(ids) // lines  # each line lies in a stretch of its own
            for place, needle in zip(rng.permutation(lines), made):
                line = self.encode(f"\n{needle.line}\n")[:room]
                at = int(place) * room + int(rng.integers(0, room - len(line) + 1))
                ids[at : at + len(line)] = line
            question, target = [], []
            for i in range(min(turns, lines)):
                wanted = (
                    made[i : i + int(rng.integers(2, 5))]
                    if lines - i > 1 and rng.random() < several
                    else made[i : i + 1]
                )
                asked, answer = self.turn(wanted)
                question += asked + answer
                target += [IGNORE] * (len(asked) - (i == 0)) + answer
            segments.append(ids.reshape(count, length))
            questions.append(question[:-1])
            targets.append(target)
        longest = max(len(q) for q in questions)
        for q, t in zip(questions, targets):
            t += [IGNORE] * (longest - len(t))
            q += [ID["pad"]] * (longest - len(q))
        return Keys(*(torch.from_numpy(np.array(x)) for x in (np.stack(segments), questions, targets)))

    def turn(self, wanted: list[Needle]) -> tuple[list[int], list[int]]:
        """Ids of a user's turn up to where the answer begins, and of the answer with its end."""
        question = (
            wanted[0].question if len(wanted) == 1 else f"What are the values of {', '.join(n.name for n in wanted)}?"
        )
        asked = [ID["user"], *self.encode(question), ID["end"], ID["assistant"]]
        # Names first: who has just written a name finds what stood behind it, as in any text; a value out of nothing is hardly learnt.
        return asked, [*self.encode(" " + ", ".join(n.answer for n in wanted)), ID["end"]]
