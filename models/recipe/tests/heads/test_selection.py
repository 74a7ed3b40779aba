"""The selection head: means of texts read alone, the exported matrices, and pairs that are told apart."""

from __future__ import annotations

import math
import unittest

import numpy as np
import torch

from recipe.config import ID, SINK_IDS
from recipe.eval.selection import selection_mrr
from recipe.heads.selection import SelectionHead, mean_keys, mean_queries
from recipe.model.memory_slots import SINKS
from recipe.stages.selection import PairBatches, selection_optimizer
from recipe.tests.support import tiny


class SelectionTest(unittest.TestCase):
    def test_means_are_those_of_each_text_alone_behind_the_sinks(self):
        base, rng = tiny(), np.random.default_rng(3)
        texts = [rng.integers(len(ID), 512, n).tolist() for n in (5, 17, 1, 9)]
        queries, keys = (found(base, texts, torch.device("cpu")) for found in (mean_queries, mean_keys))
        for text, q, k in zip(texts, queries, keys):
            ids = torch.tensor([[*SINK_IDS, *text]])
            with torch.no_grad():
                _, rows, seen = base(ids, torch.arange(ids.shape[1])[None], None, rows=True, inputs=True)
                own = torch.cat([x[0, :, SINKS:].mean(1).flatten() for x in rows.keys])
                asked = torch.cat(
                    [layer.self_attn.q_proj(h)[0, SINKS:].mean(0) for layer, h in zip(base.model.layers, seen)]
                )
            self.assertLess(
                float((k - own).abs().max()), 2e-2 * float(own.abs().max())
            )  # the CPU may have read in bf16
            self.assertLess(float((q - asked).abs().max()), 2e-2 * float(asked.abs().max()))

    def test_pairs_that_share_something_are_found_and_the_exported_matrices_find_them_too(self):
        torch.manual_seed(0)
        hidden = torch.randn(320, 12)
        queries = torch.cat([hidden @ torch.randn(12, 40), 3 * torch.randn(320, 24)], 1) + 5.0
        keys = hidden @ torch.randn(12, 32) * 0.1 - 1.0
        head = SelectionHead(queries[:256], keys[:256], 16)
        before = selection_mrr(head, queries[256:], keys[256:])[0]
        pairs = PairBatches(queries[:256], keys[:256], [str(i) for i in range(256)])
        optimizer, rng = selection_optimizer(head, 5e-3), np.random.default_rng(1)
        for _ in range(150):
            pairs.loss(head, 128, rng).backward()
            optimizer.step(1.0, math.inf)
        self.assertLess(before, 0.3)
        self.assertGreater(selection_mrr(head, queries[256:], keys[256:])[0], 0.8)
        part = head.export()
        self.assertEqual(part["config"], {"selection": {"file": part["file"], "width": 16}})
        with torch.no_grad():
            for name, rows, expected in (("q", queries, head.questions(queries)), ("k", keys, head.texts(keys))):
                made = (
                    rows @ part["tensors"][f"select.{name}_proj.weight"].t()
                    + part["tensors"][f"select.{name}_proj.bias"]
                )
                self.assertLess(float((torch.nn.functional.normalize(made, dim=-1) - expected).abs().max()), 1e-4)


if __name__ == "__main__":
    unittest.main()
