"""The exported folder is read back equal, and a wrong weight shows."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from recipe.checkpoint import read_folder
from recipe.config import ID, SINK_IDS
from recipe.export.check import largest_difference
from recipe.export.folder import write_folder
from recipe.export.reference import forward
from recipe.model.masks import anchored, visible
from recipe.model.memory_slots import SINKS
from recipe.tests.support import random_tokens, tiny
from recipe.tokens import tokenizer as bpe


class FolderTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.at = Path(self.folder.name)
        bpe.save(bpe.build(512, ["def f(x):\n    return x + 1\n" * 4]), self.at / "tokenizer")

    def tearDown(self):
        self.folder.cleanup()

    def test_round_trip_and_reference(self):
        model = tiny()
        write_folder(model, self.at / "tokenizer", self.at / "out")
        self.assertLess(largest_difference(self.at / "out"), 1e-3)
        back = read_folder(self.at / "out")
        for (name, a), (_, b) in zip(model.named_parameters(), back.named_parameters()):
            self.assertTrue(torch.equal(a.half().float(), b), name)
        for line in (self.at / "out/SHA256SUMS").read_text().splitlines():
            self.assertEqual(len(line.split()[0]), 64)

    def test_a_wrong_weight_shows(self):
        model = tiny()
        write_folder(model, self.at / "tokenizer", self.at / "out")
        ids = random_tokens(30, 3)
        want = forward(self.at / "out", ids[0].tolist())
        half = model.config.head_dim // 2
        with torch.no_grad():  # the mistake the check exists for: pairs laid out side by side instead of half apart
            w = model.model.layers[0].self_attn.q_proj.weight
            w[: half * 2] = w[: half * 2].view(half, 2, -1).transpose(0, 1).reshape(half * 2, -1)
            got = model.logits(model(ids, torch.arange(30)[None], None))[0].numpy()
        self.assertGreater(float(np.abs(got - want).max()), 1e-2)

    def test_masked_reference(self):
        model = tiny()
        write_folder(model, self.at / "tokenizer", self.at / "out")
        model = read_folder(self.at / "out")
        ids = random_tokens(40, 4)
        ids[0, :SINKS] = torch.tensor(SINK_IDS)
        ids[0, [12, 25]] = ID["anchor"]
        mask = visible(anchored(ids == ID["anchor"], SINKS))
        with torch.no_grad():
            got = model.logits(model(ids, torch.arange(40)[None], mask))[0].numpy()
        self.assertLess(float(np.abs(got - forward(self.at / "out", ids[0].tolist(), mask[0, 0].numpy())).max()), 1e-3)


if __name__ == "__main__":
    unittest.main()
