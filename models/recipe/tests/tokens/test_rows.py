"""Token files, anchors, and the stream of training rows."""

from __future__ import annotations

import json
import unittest

import numpy as np

from recipe.config import ANCHOR_MAX, ANCHOR_MIN, ID, SINK_IDS
from recipe.model.loss import IGNORE
from recipe.model.masks import visible
from recipe.tests.support import TokensCase
from recipe.tokens.anchors import anchor_cuts
from recipe.tokens.rows import KINDS, Stream


class RowsTest(TokensCase):
    def test_split_is_in_order_of_repository_and_its_anchors_follow_the_rule(self):
        meta = [json.loads(line) for line in (self.at / "tokens/train.meta.jsonl").read_text().splitlines()]
        self.assertEqual(meta, sorted(meta, key=lambda m: (m["repo"], m["path"])))
        for doc in range(self.tokens.count):
            start, end = self.tokens.docs[doc], self.tokens.docs[doc + 1]
            gaps = np.diff(np.concatenate([[0], self.tokens.cuts(start, end)]))
            self.assertTrue(((gaps >= ANCHOR_MIN) & (gaps <= ANCHOR_MAX)).all())

    def test_rows_hold_the_text_and_predict_every_token_once(self):
        stream = Stream(self.tokens, 1)
        for kind in KINDS:
            batch = stream.batch(6, 2 * ANCHOR_MAX, kind)
            self.assertEqual(batch.ids[0, :4].tolist(), list(SINK_IDS))
            asked = batch.targets != IGNORE
            self.assertTrue((batch.targets[asked] != ID["anchor"]).all())
            nexts = batch.ids[:, 1:]
            wanted = asked[:, :-1]
            self.assertTrue((nexts[wanted] == batch.targets[:, :-1][wanted]).all())
            self.assertEqual(
                bool((batch.ids == ID["anchor"]).any()),
                kind in ("ansan", "spliced") or bool((batch.layout.role & 1).any()),
            )
            mask = visible(batch.layout)
            self.assertTrue(mask.diagonal(dim1=2, dim2=3).all())
            self.assertTrue(mask[:, :, :, :1].all(), "all rows see the first sink")

    def test_a_cursor_resumes_the_very_next_rows(self):
        stream = Stream(self.tokens, 1)
        for _ in range(5):
            batch = stream.batch(4, 96)
        cursor = json.loads(json.dumps(batch.cursor))
        after, again = stream.batch(4, 96), Stream(self.tokens, 1, cursor).batch(4, 96)
        self.assertTrue((after.ids == again.ids).all())
        self.assertEqual(after.kinds, again.kinds)


class AnchorsTest(unittest.TestCase):
    def test_anchor_cuts_end_lines_and_bound_segments(self):
        newline = np.zeros(50, bool)
        newline[7] = True
        rng = np.random.default_rng(2)
        ids = rng.integers(0, 50, 4000)
        ids[1000:1300] = 1  # one long line
        cuts = anchor_cuts(ids, newline)
        lengths = np.diff([0] + cuts)
        self.assertTrue((lengths >= ANCHOR_MIN).all() and (lengths <= ANCHOR_MAX).all())
        for cut, length in zip(cuts, lengths):
            self.assertTrue(newline[ids[cut - 1]] or length == ANCHOR_MAX)


if __name__ == "__main__":
    unittest.main()
