"""Losses by form against plain masks."""

from __future__ import annotations

import unittest

import numpy as np
import torch

from recipe.config import ID
from recipe.eval.perplexity import latest, losses, tensors, windowed
from recipe.model.loss import IGNORE
from recipe.model.masks import anchored, visible
from recipe.model.memory_slots import SINKS
from recipe.tests.support import tiny


class PerplexityTest(unittest.TestCase):
    def test_the_latest_rows_are_read_again(self):
        rng, model = np.random.default_rng(6), tiny()
        model.window = 64
        ids, targets = tensors(rng.integers(len(ID), 512, 150), np.zeros(0, np.int64))
        got = latest(model, ids, targets, torch.device("cpu"))
        self.assertEqual(len(got), int((targets != IGNORE).sum()))
        first = losses(model, ids[:, :64], targets[:, :64], None, 0, torch.device("cpu"))
        self.assertLess(float(np.abs(got[: len(first)] - first).max()), 1e-4)
        last = torch.cat([ids[:, :SINKS], ids[:, -60:]], 1)
        self.assertLess(
            abs(
                float(
                    losses(
                        model, last, torch.cat([targets[:, :SINKS], targets[:, -60:]], 1), None, 0, torch.device("cpu")
                    )[-1]
                    - got[-1]
                )
            ),
            1e-4,
        )

    def test_a_window_alone_is_a_band_beside_the_sinks(self):
        mask = visible(windowed(40, SINKS), 7)[0, 0]
        i, j = torch.arange(40)[:, None], torch.arange(40)[None]
        self.assertTrue(bool((mask == ((j <= i) & ((j < SINKS) | (i - j < 7)))).all()))

    def test_losses_by_blocks_are_those_under_the_mask(self):
        model, rng = tiny(), np.random.default_rng(6)
        ids, targets = tensors(rng.integers(len(ID), 512, 420), np.array([150, 300]))
        layout = anchored(ids == ID["anchor"], SINKS)
        by_blocks = losses(model, ids, targets, layout, 64, torch.device("cpu"))
        with torch.no_grad():
            hidden = model(ids, torch.arange(ids.shape[1])[None], visible(layout, 64))
            each = torch.nn.functional.cross_entropy(
                model.logits(hidden)[0], targets[0], ignore_index=IGNORE, reduction="none"
            )
        self.assertLess(
            float(np.abs(by_blocks - each[targets[0] != IGNORE].numpy()).max()), 0.05
        )  # bf16 where the CPU has it


if __name__ == "__main__":
    unittest.main()
