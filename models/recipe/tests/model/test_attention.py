"""Attention by blocks, under a ceiling, of one key head and shifted, each against plain masks."""

from __future__ import annotations

import unittest
from dataclasses import replace

import numpy as np
import torch

from recipe.config import ID, PRESETS
from recipe.model.attention import sdpa
from recipe.model.banded_attention import BLOCK, banded
from recipe.model.distance_ceiling import capped
from recipe.model.masks import KEPT, Layout, anchored, visible
from recipe.model.memory_slots import SINKS
from recipe.model.rope import rotate
from recipe.model.shifted_attention import s2_attend
from recipe.model.transformer import Llama
from recipe.tests.support import random_tokens, tiny


class AttentionTest(unittest.TestCase):
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

    def test_by_blocks_takes_several_key_heads_and_anchors_that_close_nothing(self):
        rows, model = 5 * BLOCK, Llama(replace(PRESETS["tiny"], num_key_value_heads=2, num_attention_heads=4))
        role = torch.zeros(1, rows, dtype=torch.int32)
        role[0, 140::150] = KEPT
        doc = torch.ones_like(role)
        doc[:, :16] = 0
        each = torch.arange(rows, dtype=torch.int32)[None]
        layout = Layout(doc, torch.zeros_like(doc), each, role)
        ids, positions = random_tokens(rows, 6), torch.arange(rows)[None]
        with torch.no_grad():
            for window in (1, 64, 200):
                by_mask = model(ids, positions, visible(layout, window))
                by_blocks = model(ids, positions, None, attend=banded(layout, window))
                self.assertLess(float((by_mask - by_blocks).abs().max()), 1e-4)

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

                def slowly(q, k, v, _mask, mask=mask):
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

    def test_one_key_head_is_the_fused_attention(self):
        torch.manual_seed(3)
        q, k, v = torch.randn(2, 4, 30, 8), torch.randn(2, 1, 30, 8), torch.randn(2, 1, 30, 8)
        mask = (torch.rand(2, 1, 30, 30) < 0.5) | torch.eye(30, dtype=torch.bool)
        wanted = sdpa(q, k.expand(2, 4, 30, 8).clone(), v.expand(2, 4, 30, 8).clone(), mask)
        self.assertLess(float((sdpa(q, k, v, mask) - wanted).abs().max()), 1e-5)


class ShiftedAttentionTest(unittest.TestCase):
    def test_equals_its_mask(self):
        torch.manual_seed(0)
        q, k, v = torch.randn(2, 4, 48, 8), torch.randn(2, 1, 48, 8), torch.randn(2, 1, 48, 8)
        i = torch.arange(48)
        masks = []
        for shift in (0, 8):
            group = (i + shift) // 16
            masks.append((group[:, None] == group[None]) & (i[None] <= i[:, None]))
        mask = torch.stack([masks[0], masks[0], masks[1], masks[1]])[None]
        self.assertLess(float((s2_attend(16)(q, k, v, None) - sdpa(q, k, v, mask)).abs().max()), 1e-5)

    def test_no_row_sees_a_later_one(self):
        model = tiny()
        ids = random_tokens(64, 1)
        other = ids.clone()
        other[0, 40:] = random_tokens(24, 2)
        positions = torch.arange(64)[None]
        with torch.no_grad():
            a, b = (model(x, positions, None, attend=s2_attend(16)) for x in (ids, other))
        self.assertEqual(float((a[:, :40] - b[:, :40]).abs().max()), 0.0)
        self.assertGreater(float((a[:, 40:] - b[:, 40:]).abs().max()), 1e-3)


if __name__ == "__main__":
    unittest.main()
