"""Ranks, fusion, BLEU and BM25."""

from __future__ import annotations

import unittest

import numpy as np

from recipe.eval.bleu import bleu
from recipe.eval.bm25 import BM25
from recipe.eval.ranks import fused, reciprocal_ranks


class FiguresTest(unittest.TestCase):
    def test_ranks_give_no_credit_for_ties(self):
        scores = np.array([[0.9, 0.1, 0.5], [0.0, 0.0, 0.0]])
        self.assertEqual(reciprocal_ranks(scores, np.array([2, 0])).tolist(), [0.5, 1 / 3])

    def test_fusion_prefers_what_both_rank_high(self):
        a, b = np.array([[3.0, 2.0, 1.0]]), np.array([[1.0, 3.0, 2.0]])
        self.assertEqual(int(fused(a, b).argmax()), 1)

    def test_bleu(self):
        text = "returns the sum of two numbers".split()
        self.assertAlmostEqual(bleu(text, text), 100.0)
        self.assertEqual(bleu("alpha beta".split(), text), 0.0)
        self.assertLess(bleu(text[:3], text), bleu(text[:5], text))

    def test_bm25_finds_by_parts_of_identifiers(self):
        index = BM25(["def parse_url(x)", "def sendRequest(y)", "class Widget"])
        self.assertEqual(int(index.scores("send a request").argmax()), 1)


if __name__ == "__main__":
    unittest.main()
