"""The prompts that the product and the training share, in SmolLM2's chat form.

The texts are those of the product, in src/assistant/write/reader-prompt.json. A test compares the prompts that both make.

A question: a system instruction of two sentences, the evidence (each block a line with path and line numbers, then the
text, the best last), the question. A gist: one function and nothing else. Both are strings, so that one tokenizer call
gives what the product reads.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

TEXTS = json.loads(
    (Path(__file__).resolve().parents[3] / "src/assistant/write/reader-prompt.json").read_text(encoding="utf-8")
)
START, END = "<|im_start|>", "<|im_end|>"
ANSWER_SYSTEM, GIST_SYSTEM, ABSTENTION = TEXTS["answer"], TEXTS["gist"], TEXTS["abstention"]


class Block(NamedTuple):
    """A piece of evidence: lines `first` to `last` (from 1, inclusive) of the file at `path`."""

    path: str
    first: int
    last: int
    text: str

    def shown(self) -> str:
        text = self.text.strip("\n").rstrip()
        return TEXTS["block"].format(path=self.path, first=self.first, last=self.last, text=text)


def answer_prefix(blocks: list[Block]) -> str:
    """All that comes before the question; ends in no white space, so that tokens never straddle the question's border."""
    evidence = TEXTS["between"].join(block.shown() for block in blocks)
    return f"{START}system\n{ANSWER_SYSTEM}{END}\n{START}user\n{evidence}"


def question_part(question: str) -> str:
    """What follows `answer_prefix`, up to where the answer begins."""
    return TEXTS["between"] + TEXTS["question"].format(question=question) + f"{END}\n{START}assistant\n"


def gist_prompt(block: Block) -> str:
    return f"{START}system\n{GIST_SYSTEM}{END}\n{START}user\n{block.shown()}{END}\n{START}assistant\n"
