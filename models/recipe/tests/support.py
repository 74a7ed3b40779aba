"""A tiny model, random tokens, and a tokenizer with token files: shared by the tests."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from recipe.config import ID, PRESETS
from recipe.model.transformer import Llama
from recipe.tokens import tokenizer as bpe
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import Tokens, write_split

torch.set_num_threads(1)  # tiny tensors: threads would only wait for each other
SOURCE = "".join(
    f"def add_{i}(left, right):\n    # adds {i}\n    total = left + right + {i}\n    return total\n\n\n"
    for i in range(40)
)


def tiny(seed: int = 3) -> Llama:
    model = Llama(PRESETS["tiny"], seed=seed)
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(4.0 if p.dim() == 2 else 1.0)  # at its initial scale attention is nearly uniform and hides mistakes
    return model.eval()


def random_tokens(n: int, seed: int, batch: int = 1) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(len(ID), 512, (batch, n)))


class TokensCase(unittest.TestCase):
    """A test with a trained tokenizer and the token files of nine documents."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = Path(cls.folder.name)
        bpe.save(bpe.build(600, [SOURCE]), cls.at / "tokenizer")
        cls.encode = Encoder(cls.at / "tokenizer")
        records = [
            {"repo": f"r{i % 3}", "path": f"{i}.py", "language": "python", "text": SOURCE[i * 50 :]} for i in range(9)
        ]
        cls.report = write_split("train", iter(records), cls.encode, cls.at / "tokens")
        cls.tokens = Tokens(cls.at / "tokens", "train")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()
