"""The masks against brute force, and decoding with dropped rows against one masked forward."""

from __future__ import annotations

import random
import unittest

import numpy as np
import torch

from recipe.config import ID, SINK_IDS
from recipe.model.kv_rows import Rows
from recipe.model.masks import ANCHOR, KEPT, READER, Layout, anchored, visible
from recipe.model.memory_slots import SINKS
from recipe.tests.support import tiny


def brute(anchors: list[bool], sinks: int) -> list[list[bool]]:
    """AnLLM's three rules, one pair at a time."""
    n = len(anchors)
    table = [[False] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            closed = any(anchors[j:i])  # an anchor at or after the key, before the query: the key's segment is over
            if j < sinks:
                table[i][j] = True
            elif not closed:
                table[i][j] = True
            elif anchors[j]:
                table[i][j] = not anchors[i]
    return table


class MaskTest(unittest.TestCase):
    def test_ansan_is_the_three_rules(self):
        rng = random.Random(1)
        for _ in range(30):
            n = rng.randrange(SINKS + 1, 40)
            anchors = [False] * SINKS + [rng.random() < 0.25 for _ in range(n - SINKS)]
            mask = visible(anchored(torch.tensor([anchors]), SINKS))[0, 0]
            self.assertEqual(mask.tolist(), brute(anchors, SINKS))

    def test_blocks_are_alone_and_readers_see_what_lasts(self):
        # sinks | block 0: two groups, the first with an anchor | block 1, kept whole | reader
        role = torch.tensor([[0, 0, 0, ANCHOR, 0, KEPT, KEPT | ANCHOR, KEPT, READER, READER]], dtype=torch.int32)
        block = torch.tensor([[0, 0, 0, 0, 0, 1, 1, 1, 2, 2]], dtype=torch.int32)
        group = torch.tensor([[0, 0, 0, 0, 1, 9, 9, 9, 2, 2]], dtype=torch.int32)
        doc = torch.tensor([[0, 1, 1, 1, 1, 1, 1, 1, 1, 1]], dtype=torch.int32)
        mask = visible(Layout(doc, block, group, role))[0, 0]
        self.assertEqual(mask[7].nonzero().flatten().tolist(), [0, 5, 6, 7])
        self.assertEqual(mask[4].nonzero().flatten().tolist(), [0, 3, 4])
        self.assertEqual(mask[9].nonzero().flatten().tolist(), [0, 3, 5, 6, 7, 8, 9])

    def test_decoding_with_dropped_rows_equals_one_masked_forward(self):
        model = tiny()
        rng = np.random.default_rng(5)
        ids = np.concatenate([SINK_IDS, rng.integers(len(ID), 512, 60)])
        at = [15, 16, 29, 44]
        ids[at] = ID["anchor"]
        ids = torch.from_numpy(ids)[None]
        n = ids.shape[1]
        positions = torch.arange(n)[None]
        with torch.no_grad():
            whole = model(ids, positions, visible(anchored(ids == ID["anchor"], SINKS)))
            kept: Rows | None = None
            place = torch.zeros(1, 0, dtype=torch.long)
            is_anchor: list[bool] = []
            worst = 0.0
            for t in range(n):
                anchor = bool(ids[0, t] == ID["anchor"])
                p = place.shape[1]
                # An anchor does not see earlier anchors, all else that is still kept it does.
                mask = torch.tensor([not (anchor and is_anchor[j]) for j in range(p)] + [True])[None, None, None]
                hidden, rows = model(
                    ids[:, t : t + 1],
                    positions[:, t : t + 1],
                    mask,
                    past=kept,
                    past_positions=place if kept is not None else None,
                    rows=True,
                )
                worst = max(worst, float((hidden[0, 0] - whole[0, t]).abs().max()))
                kept = rows if kept is None else Rows.cat([kept, rows])
                place = torch.cat([place, positions[:, t : t + 1]], 1)
                is_anchor.append(anchor)
                if anchor:  # drop the closed segment, true positions stay
                    stay = [j for j in range(len(is_anchor)) if is_anchor[j] or j < SINKS]
                    kept, place = kept.take(torch.tensor(stay)), place[:, stay]
                    is_anchor = [is_anchor[j] for j in stay]
        self.assertLess(worst, 1e-4)
        self.assertEqual(kept.count, SINKS + len(at) + n - 1 - at[-1])

    def test_a_window_opens_the_latest_rows_and_no_others(self):
        is_anchor = torch.zeros(1, 40, dtype=torch.bool)
        is_anchor[0, [12, 23, 31]] = True
        layout = anchored(is_anchor, SINKS)
        plain, wide = visible(layout)[0, 0], visible(layout, 6)[0, 0]
        i, j = torch.arange(40)[:, None], torch.arange(40)[None]
        recent = (j <= i) & (i - j < 6) & (j >= SINKS) & (i >= SINKS)
        self.assertTrue((wide == (plain | recent)).all())


if __name__ == "__main__":
    unittest.main()
