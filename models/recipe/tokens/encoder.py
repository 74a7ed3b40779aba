"""Text to token ids and back."""

from __future__ import annotations

from pathlib import Path
from typing import Iterable

import numpy as np
from tokenizers import Tokenizer


class Encoder:
    """Text to token ids. A literal "<|bos|>" in a text stays text."""

    def __init__(self, folder: Path):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.encode_special_tokens = True
        self.newline = np.array(newline_table(self.tokenizer))
        self.vocab = self.tokenizer.get_vocab_size()

    def __call__(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def batch(self, texts: list[str]) -> list[list[int]]:
        return [e.ids for e in self.tokenizer.encode_batch(texts, add_special_tokens=False)]

    def decode(self, ids: Iterable[int]) -> str:
        return self.tokenizer.decode(list(ids), skip_special_tokens=False)


def newline_table(tokenizer: Tokenizer) -> list[bool]:
    """Whether the text of each id holds a line break. The anchor rule cuts after such a token."""
    return ["\n" in tokenizer.decode([i], skip_special_tokens=False) for i in range(tokenizer.get_vocab_size())]
