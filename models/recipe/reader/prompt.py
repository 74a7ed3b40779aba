"""The prompts that the product and the training share, in SmolLM2's chat form.

A question: a system instruction of two sentences, the evidence (each block a line with path and line numbers, then the
text, the best last), the question. A gist: one function and nothing else. Both are strings, so that one tokenizer call
gives what the product reads.
"""

from __future__ import annotations

from typing import NamedTuple

START, END = "<|im_start|>", "<|im_end|>"
ANSWER_SYSTEM = (
    "You answer questions about source files from the evidence below, in one to four sentences. "
    "If the evidence does not hold the answer, reply: The sources do not say."
)
GIST_SYSTEM = "You describe source code. Reply with one short sentence that says what the code does."
ABSTENTION = "The sources do not say."


class Block(NamedTuple):
    """A piece of evidence: lines `first` to `last` (from 1, inclusive) of the file at `path`."""

    path: str
    first: int
    last: int
    text: str

    def shown(self) -> str:
        return f"{self.path} lines {self.first}-{self.last}\n{self.text.strip(chr(10)).rstrip()}"


def answer_prefix(blocks: list[Block]) -> str:
    """All that comes before the question; ends in no white space, so that tokens never straddle the question's border."""
    evidence = "\n\n".join(block.shown() for block in blocks)
    return f"{START}system\n{ANSWER_SYSTEM}{END}\n{START}user\n{evidence}"


def question_part(question: str) -> str:
    """What follows `answer_prefix`, up to where the answer begins."""
    return f"\n\nQuestion: {question}{END}\n{START}assistant\n"


def gist_prompt(block: Block) -> str:
    return f"{START}system\n{GIST_SYSTEM}{END}\n{START}user\n{block.shown()}{END}\n{START}assistant\n"
