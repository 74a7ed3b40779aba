"""Token vectors: what a batch holds, and that a table finds what it was made to find."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from recipe.config import ID
from recipe.eval.token_vectors import search, web_questions
from recipe.heads.token_vectors import Table, Texts, contrast
from recipe.tasks.functions import Function, documented
from recipe.tasks.synthetic import synthetic
from recipe.tasks.token_pairs import TokenPairs
from recipe.tokens import tokenizer as bpe
from recipe.tokens.encoder import Encoder


class TokenVectorsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = Path(cls.folder.name)
        cls.functions = [Function(**f) for f in synthetic(40)]
        bpe.save(bpe.build(600, [f.code + f.doc for f in cls.functions]), cls.at / "tokenizer")
        cls.encode = Encoder(cls.at / "tokenizer")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_texts_are_taken_whole_or_thinned_but_never_emptied(self):
        texts = Texts.of([[1, 2, 3], [4], [5, 6]])
        ids, offsets = texts.take(np.array([2, 0]))
        self.assertEqual((ids.tolist(), offsets.tolist()), ([5, 6, 1, 2, 3], [0, 2]))
        for seed in range(20):
            ids, offsets = texts.take(np.array([0, 1, 2]), np.random.default_rng(seed), 0.1)
            parts = [part.tolist() for part in torch.tensor_split(ids, offsets[1:])]
            self.assertEqual([p[0] for p in parts], [1, 4, 5])
            self.assertTrue(all(set(p) <= set(whole) for p, whole in zip(parts, ([1, 2, 3], [4], [5, 6]))))

    def test_pairs_hide_names_and_tell_which_texts_are_one(self):
        pairs = TokenPairs(self.functions, self.encode, 160)
        shown = self.encode.decode(pairs.hidden.take(np.array([0]))[0].tolist())
        self.assertNotIn(self.functions[0].name, shown)
        self.assertEqual(int(pairs.summaries.take(np.array([0]))[0][0]), ID["query"])
        _, codes, same = pairs.batch(np.random.default_rng(0), 16, 4, 1.0, 0.0)
        self.assertEqual(same.shape, (len(codes[1]), len(codes[1])))
        self.assertTrue(same.diagonal().all() and (same == same.t()).all())

    def test_the_exported_part_holds_the_table(self):
        table = Table(self.encode.vocab, 8)
        part = table.export()
        self.assertTrue(torch.equal(part["tensors"]["token_vectors"], table.rows.weight))
        self.assertEqual(part["config"], {"token_vectors": {"file": part["file"], "width": 8}})

    def test_pairs_that_match_are_no_negatives_of_each_other(self):
        a, b = torch.eye(3), torch.eye(3)[[0, 0, 2]]  # the second question is nearer to the first code than to its own
        apart, alike = torch.eye(3, dtype=torch.bool), torch.eye(3, dtype=torch.bool)
        alike[0, 1] = alike[1, 0] = True
        temperature = torch.tensor(2.0)
        self.assertLess(float(contrast(a, b, temperature, alike)), float(contrast(a, b, temperature, apart)))

    def test_figures_count_the_right_place(self):
        table = Table(self.encode.vocab, 64)
        report = search(table, documented(self.functions), self.encode, 160, 20, 5, True)
        self.assertEqual((report["pool"], report["questions"]), (20, 5))
        self.assertTrue(all(0 < report[k][0] <= 1 for k in ("mrr", "mrr_bm25", "mrr_fused")))
        codes = ["alpha beta", "gamma delta", "omega"]
        (self.at / "cosqa-pool.json").write_text(json.dumps({code: i for i, code in enumerate(codes)}))
        (self.at / "cosqa-dev.json").write_text(
            json.dumps([{"doc": code, "retrieval_idx": i} for i, code in enumerate(codes)])
        )
        report = web_questions(table, self.at, self.encode, 64)
        self.assertEqual(report["mrr_bm25"][0], 1.0)


if __name__ == "__main__":
    unittest.main()
