"""Memory tokens depend on no neighbour and see their share only."""

from __future__ import annotations

import itertools
import unittest

import torch

from recipe.config import SINK_IDS
from recipe.model.kv_rows import Rows
from recipe.model.memory_slots import SINKS, MemoryModel, Segment, coverage
from recipe.tests.support import random_tokens, tiny


class MemoryTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(4)
        self.model = MemoryModel(tiny(), rank=4)
        for name, p in self.model.named_parameters():
            if name.endswith(".b"):
                torch.nn.init.normal_(p, std=0.2)  # untrained changes are zero and would hide what they touch
        torch.nn.init.normal_(self.model.span_weight)
        torch.nn.init.constant_(self.model.span_gain, 1.5)

    def test_second_pass_equals_one_pass_with_memory_tokens_inside(self):
        ids, ratio = random_tokens(24, 5, 2), 8
        got = self.model.encode(Segment(ids), ratio)
        cover = coverage(24, ratio)
        m, n = len(cover), SINKS + 24
        base = self.model.base
        begun = torch.zeros(2, m, base.config.hidden_size)
        for row, j in itertools.product(range(2), range(m)):
            taken = ids[row, j * ratio : cover[j]]
            weights = self.model.span_weight[taken].exp()
            begun[row, j] = (
                self.model.slot
                + 1.5 * (weights[:, None] * base.model.embed_tokens.weight[taken]).sum(0) / weights.sum()
            )
        x = torch.cat(
            [base.model.embed_tokens(torch.tensor(SINK_IDS).expand(2, SINKS)), base.model.embed_tokens(ids), begun], 1
        )
        mask = torch.zeros(n + m, n + m, dtype=torch.bool)
        mask[:n, :n] = torch.ones(n, n, dtype=torch.bool).tril()
        for j, c in enumerate(cover):
            mask[n + j, : SINKS + c] = True
            mask[n + j, n + j] = True
        positions = torch.tensor(list(range(n)) + [SINKS + c for c in cover]).expand(2, -1)

        def delta(layer, h):
            at = torch.zeros(1, n + m, 1)
            at[:, n:] = 1
            return self.model.slot_q[layer](h) * at, None, self.model.slot_v[layer](h) * at

        _, inputs = base(None, positions, mask[None, None], embeds=x, delta=delta, inputs=True)
        for i, h in enumerate(inputs):
            h = h[:, n:]
            attention = base.model.layers[i].self_attn
            self.assertLess(
                float((got.keys[i][:, 0] - attention.k_proj(h) - self.model.head_k[i](h)).abs().max()), 1e-4
            )
            self.assertLess(
                float((got.values[i][:, 0] - attention.v_proj(h) - self.model.head_v[i](h)).abs().max()), 1e-4
            )

    def test_a_memory_token_in_place_starts_as_the_row_of_its_last_token(self):
        model, ids, ratio = MemoryModel(tiny(), rank=4, in_place=True), random_tokens(22, 11, 2), 8
        got, rows = model.encode(Segment(ids), ratio), model.ordinary(Segment(ids))
        at = torch.tensor([SINKS + c - 1 for c in coverage(22, ratio)])
        for a, b in zip([*got.keys, *got.values], [*rows.keys, *rows.values]):
            self.assertLess(float((a - b[:, :, at]).detach().abs().max()), 1e-4)

    def test_a_memory_token_of_a_high_ratio_is_the_last_of_those_of_a_low_one(self):
        ids = random_tokens(128, 10)
        fine, coarse = self.model.encode(Segment(ids), 32), self.model.encode(Segment(ids), 128)
        for a, b in zip([*fine.keys, *fine.values], [*coarse.keys, *coarse.values]):
            self.assertLess(float((a[:, :, -1:] - b).detach().abs().max()), 1e-4)

    def test_ordinary_rows_are_the_bases(self):
        ids = random_tokens(20, 6)
        rows = self.model.ordinary(Segment(ids))
        plain = self.model.base(torch.cat([torch.tensor([SINK_IDS]), ids], 1), torch.arange(24)[None], None, rows=True)[
            1
        ]
        for a, b in zip([*rows.keys, *rows.values], [*plain.keys, *plain.values]):
            self.assertEqual(float((a - b).abs().max()), 0.0)

    def test_ablation_everywhere_changes_the_ordinary_rows(self):
        ids = random_tokens(20, 6)
        before = self.model.ordinary(Segment(ids))
        self.model.everywhere = True
        after = self.model.ordinary(Segment(ids))
        self.assertGreater(float((before.values[0] - after.values[0]).abs().max()), 1e-3)
        self.assertTrue(after.values[0].requires_grad and not before.values[0].requires_grad)

    def test_rows_do_not_depend_on_neighbours(self):
        ids = random_tokens(24, 7, 3)
        together, alone = self.model.encode(Segment(ids), 8), self.model.encode(Segment(ids[1:2]), 8)
        for a, b in zip([*together.keys, *together.values], [*alone.keys, *alone.values]):
            self.assertLess(float((a[1:2] - b).abs().max()), 1e-5)

    def test_side_by_side_equals_one_after_another(self):
        ids = random_tokens(48, 12, 2).view(2, 2, 24)
        many = self.model.encode_all(ids, 8)
        one = Rows.cat([self.model.encode(Segment(ids[:, i]), 8) for i in range(2)])
        for a, b in zip([*many.keys, *many.values], [*one.keys, *one.values]):
            self.assertLess(float((a - b).abs().max()), 1e-5)

    def test_a_memory_token_sees_no_row_past_its_share(self):
        ids = random_tokens(24, 8)
        other = ids.clone()
        other[0, 16:] = random_tokens(8, 9)
        a, b = self.model.encode(Segment(ids), 8), self.model.encode(Segment(other), 8)
        self.assertEqual(float((a.values[-1][:, :, :2] - b.values[-1][:, :, :2]).abs().max()), 0.0)
        self.assertGreater(float((a.values[-1][:, :, 2] - b.values[-1][:, :, 2]).abs().max()), 1e-4)


if __name__ == "__main__":
    unittest.main()
