"""The masks against brute force, and decoding with dropped rows against one masked forward."""

from __future__ import annotations

import random
import unittest

import numpy as np
import torch

from recipe.config import ANCHOR_MAX, ANCHOR_MIN, ID, PRESETS, SINK_IDS
from recipe.eval.perplexity import latest, losses, tensors, windowed
from recipe.model.attention import sdpa
from recipe.model.banded_attention import BLOCK, banded
from recipe.model.distance_ceiling import capped
from recipe.model.kv_rows import Rows
from recipe.model.loss import IGNORE
from recipe.model.masks import ANCHOR, KEPT, READER, Layout, anchored, visible
from recipe.model.rope import rotate
from recipe.model.transformer import Llama
from recipe.tokens.anchors import anchor_cuts

SINKS = len(SINK_IDS)
torch.set_num_threads(1)  # tiny tensors: threads would only wait for each other


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


def tiny(seed: int = 3) -> Llama:
    model = Llama(PRESETS["tiny"], seed=seed)
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(4.0 if p.dim() == 2 else 1.0)  # at its initial scale attention is nearly uniform and hides mistakes
    return model.eval()


class MaskTest(unittest.TestCase):
    def test_ansan_is_the_three_rules(self):
        rng = random.Random(1)
        for _ in range(30):
            n = rng.randrange(SINKS + 1, 40)
            anchors = [False] * SINKS + [rng.random() < 0.25 for _ in range(n - SINKS)]
            mask = visible(anchored(torch.tensor([anchors]), SINKS))[0, 0]
            self.assertEqual(mask.tolist(), brute(anchors, SINKS))

    def test_by_blocks_is_the_same_attention(self):
        rng = np.random.default_rng(4)
        rows, model = 6 * BLOCK, tiny()
        anchors = np.zeros((2, rows), bool)
        for row, places in enumerate(
            (np.arange(150, rows, 150), np.array([200, 330]))
        ):  # the second has fewer, and an open end
            anchors[row, places] = True
        layout = anchored(torch.from_numpy(anchors), SINKS)
        layout.doc[1, 350:] = 2  # documents do not see each other, whatever is near
        layout.group[1, 500:] += 1
        ids = torch.from_numpy(rng.integers(len(ID), 512, (2, rows)))
        positions = torch.arange(rows).expand(2, rows)
        with torch.no_grad():
            for window in (1, 64, 200, 400):
                by_mask = model(ids, positions, visible(layout, window))
                by_blocks = model(ids, positions, None, attend=banded(layout, window))
                self.assertLess(float((by_mask - by_blocks).abs().max()), 1e-4)
        with self.assertRaises(ValueError):
            banded(anchored(torch.zeros(1, BLOCK + 1, dtype=torch.bool), SINKS), 64)

    def test_under_a_ceiling_far_keys_are_seen_at_the_ceiling(self):
        rng, model, rows, ceiling = np.random.default_rng(5), tiny(), 300, 40
        ids, positions = torch.from_numpy(rng.integers(len(ID), 512, (1, rows))), torch.arange(rows)[None]
        anchors = torch.zeros(1, rows, dtype=torch.bool)
        anchors[0, 100::100] = True
        with torch.no_grad():
            for layout, window in ((None, 0), (anchored(anchors, SINKS), 30)):
                mask = (
                    torch.ones(rows, rows, dtype=torch.bool).tril() if layout is None else visible(layout, window)[0, 0]
                )

                def slowly(q, k, v, _mask):
                    """Row by row: the keys rotated anew, so that each is as far away as the ceiling admits."""
                    back = torch.arange(rows)[None]
                    cos, sin = model.rope(back)
                    keys = rotate(k, cos, -sin)  # no factor of its own: scale 1
                    out = torch.empty_like(q)
                    for i in range(rows):
                        cos, sin = model.rope(torch.maximum(back, torch.tensor(i - ceiling)))
                        scores = q[0, :, i] @ rotate(keys, cos, sin)[0, 0].t() * q.shape[-1] ** -0.5
                        out[0, :, i] = scores.masked_fill(~mask[i], -torch.inf).softmax(-1) @ v[0, 0]
                    return out

                a = model(ids, positions, None, attend=slowly)
                b = model(ids, positions, None, attend=capped(model.rope, ceiling, layout, window))
                self.assertLess(float((a - b).abs().max()), 1e-4)

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

    def test_one_key_head_is_the_fused_attention(self):
        torch.manual_seed(3)
        q, k, v = torch.randn(2, 4, 30, 8), torch.randn(2, 1, 30, 8), torch.randn(2, 1, 30, 8)
        mask = (torch.rand(2, 1, 30, 30) < 0.5) | torch.eye(30, dtype=torch.bool)
        wanted = sdpa(q, k.expand(2, 4, 30, 8).clone(), v.expand(2, 4, 30, 8).clone(), mask)
        self.assertLess(float((sdpa(q, k, v, mask) - wanted).abs().max()), 1e-5)

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
