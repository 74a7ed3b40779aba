"""Hashes, signatures and near duplicates."""

from __future__ import annotations

import unittest

import numpy as np

from recipe.corpus import dedupe
from recipe.tests.corpus.support import WORDS, python_file


class DuplicatesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.hasher = dedupe.Hasher()

    def test_equal_words_have_equal_hashes_wherever_they_stand(self) -> None:
        first, second = self.hasher.tokens("anchor the Vessel"), self.hasher.tokens("\n  vessel+anchor")
        self.assertEqual((first[0], first[2]), (second[1], second[0]))
        self.assertEqual(len(set(first.tolist())), 3)

    def test_signatures_estimate_jaccard_similarity(self) -> None:
        text = " ".join(np.random.default_rng(1).choice(WORDS, 3000))
        words = text.split()
        for keep in (3000, 2700, 1500):
            first, second = self.hasher.shingles(text), self.hasher.shingles(" ".join(words[:keep]))
            jaccard = np.intersect1d(first, second).size / np.union1d(first, second).size
            estimate = (self.hasher.signature(first) == self.hasher.signature(second)).mean()
            self.assertAlmostEqual(estimate, jaccard, delta=0.13)

    def test_the_earlier_of_two_similar_files_stays(self) -> None:
        base = [python_file(seed, 30) for seed in (1, 2, 3)]
        texts = [
            base[0],
            base[1],
            base[0] + "\nX = 1\n",
            base[2],
            base[1].replace("return", "return ", 3) + "\nY = 2\n",
            "",
            "",
        ]
        signatures = np.stack([self.hasher.signature(self.hasher.shingles(text)) for text in texts])
        self.assertEqual(dedupe.near_duplicates(signatures).tolist(), [False, False, True, False, True, False, False])


if __name__ == "__main__":
    unittest.main()
