"""Needles: lines that give a name a value, look-alikes of them, and questions as users ask them.

They follow the description of passkeys and of RULER's multi-key task, in more forms than any test has. Names are made of
syllables or word pieces. Values are numbers and names of several words from code. The question stands in a user's turn,
the answer (`name = value`, `The port of name is value`) in the assistant's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recipe.config import ID
from recipe.model.loss import IGNORE
from recipe.tasks.keys import KeyMaker, Recall
from recipe.tokens.store import Tokens

ASSIGNMENTS = """const {name} = {value};
let {name} = {value};
{name} = {value}
{name}: {value},
    {name}: {value}
#define {name} {value}
"{name}": {value},
{name} := {value}
int {name} = {value};
self.{name} = {value}
export const {name} = {value};""".split("\n")
# Names stand bare, as in the product's questions. Behind a quote a name falls into other tokens than behind a space.
ASSIGNMENT_QUESTIONS = (
    "What is the value of {name}?",
    "What is the value of {name}?",
    "What is {name}?",
    "What value has {name}?",
    "What is {name} set to?",
)
SENTENCES = (
    "{mark}The {noun} of {name} is {value}. Remember it.",
    "{mark}The {noun} of {name} is {value}.",
    "{mark}The {noun} for {name}: {value}",
    "{mark}One of the {noun}s for {name} is: {value}.",
)
SENTENCE_QUESTIONS = ("What is the {noun} of {name}?", "What is the {noun} for {name}?", "Which {noun} has {name}?")
NOUNS = ("pass key", "number", "special magic number", "port", "limit", "code", "key", "version", "size")
MARKS = ("// ", "# ", "", " * ", "-- ")
CONSONANTS, VOWELS = list("bcdfgklmnprstvz"), list("aeiou")


class Needle(NamedTuple):
    """A line, its question, and the answer: as the line has it, up to the value."""

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
        syllables = int(rng.integers(2, 4))
        return "".join(str(rng.choice(CONSONANTS)) + str(rng.choice(VOWELS)) for _ in range(syllables))

    def names(self, rng: np.random.Generator, count: int) -> list[str]:
        """A name, and look-alikes that share one half of it. A name of one word has none."""
        first, second = self.word(rng), self.word(rng)
        halves = [(first, second)]
        for i in range(count - 1):
            halves.append((first, self.word(rng)) if i % 2 else (self.word(rng), second))
        kind = rng.random()
        if kind < 0.25:
            return [a if i == 0 else self.word(rng) for i, (a, _) in enumerate(halves)]
        return [a + b.capitalize() if kind < 0.5 else f"{a}_{b}" for a, b in halves]

    def value(self, rng: np.random.Generator) -> str:
        if self.keys.identifiers and rng.random() < 0.25:
            return self.encode.decode(self.keys.identifiers[int(rng.integers(len(self.keys.identifiers)))])
        size = int(rng.choice((2, 3, 4, 5, 5, 5, 6, 7)))
        return str(rng.integers(1, 10)) + "".join(str(digit) for digit in rng.integers(0, 10, size - 1))

    def needles(self, rng: np.random.Generator, count: int) -> list[Needle]:
        """`count` lines of one form whose names look alike."""
        sentence = rng.random() < 0.35
        forms = (SENTENCES, SENTENCE_QUESTIONS) if sentence else (ASSIGNMENTS, ASSIGNMENT_QUESTIONS)
        line, question = (str(rng.choice(some)) for some in forms)
        words = {"noun": str(rng.choice(NOUNS)), "mark": str(rng.choice(MARKS))}
        made = []
        for name in self.names(rng, count):
            value = self.value(rng)
            answer = f"The {words['noun']} of {name} is {value}" if sentence else f"{name} = {value}"
            filled = line.format(name=name, value=value, **words), question.format(name=name, **words)
            made.append(Needle(*filled, answer, name, value))
        return made

    def batch(
        self,
        tokens: Tokens,
        rng: np.random.Generator,
        batch: int,
        count: int,
        length: int,
        lines: int,
        several: float = 0.15,
        turns: int = 1,
    ) -> Recall:
        """Texts of `count` segments of `length` tokens with `lines` needles each, and questions about them.

        A question asks for one needle, or with the chance `several` for up to four. With more `turns` one question
        follows the answer to another, of other needles while there are any. The targets are the answers and the ends of
        their turns.
        """
        segments, questions, targets = [], [], []
        for _ in range(batch):
            ids = tokens.text(tokens.place(rng, count * length), count * length)
            made = self.needles(rng, lines)
            room = len(ids) // lines  # each line lies in a stretch of its own
            for place, needle in zip(rng.permutation(lines), made):
                line = self.encode(f"\n{needle.line}\n")[:room]
                at = int(place) * room + int(rng.integers(0, room - len(line) + 1))
                ids[at : at + len(line)] = line
            question, target = [], []
            for i in range(min(turns, lines)):
                more = lines - i > 1 and rng.random() < several
                asked, answer = self.turn(made[i : i + (int(rng.integers(2, 5)) if more else 1)])
                question += asked + answer
                target += [IGNORE] * (len(asked) - (i == 0)) + answer
            segments.append(ids.reshape(count, length))
            questions.append(question[:-1])
            targets.append(target)
        return Recall.of(segments, questions, targets)

    def turn(self, wanted: list[Needle]) -> tuple[list[int], list[int]]:
        """Token ids of a user's turn up to where the answer begins, and of the answer with its end."""
        names = ", ".join(needle.name for needle in wanted)
        question = wanted[0].question if len(wanted) == 1 else f"What are the values of {names}?"
        asked = [ID["user"], *self.encode(question), ID["end"], ID["assistant"]]
        # The answer gives the name first. After a name the model finds the text behind it; a bare value is hardly learnt.
        return asked, [*self.encode(" " + ", ".join(needle.answer for needle in wanted)), ID["end"]]
