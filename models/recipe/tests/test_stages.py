"""S2-Attn does not leak, memories depend on no neighbour, the estimator is unbiased, export is read back equal."""

from __future__ import annotations

import itertools
import json
import random
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from recipe.checkpoint import read_folder
from recipe.config import ID, SINK_IDS
from recipe.export.check import check
from recipe.export.folder import write_folder
from recipe.export.reference import forward
from recipe.model.attention import sdpa
from recipe.model.incremental import full, incremental
from recipe.model.kv_rows import Rows
from recipe.model.lora import adapt, merged, save_adapter
from recipe.model.loss import IGNORE, cross_entropy
from recipe.model.masks import anchored, visible
from recipe.model.memory_slots import SINKS, MemoryModel, Segment, coverage
from recipe.model.shifted_attention import s2_attend
from recipe.tests.test_masks import tiny
from recipe.tokens import tokenizer as bpe


def tokens(n: int, seed: int, batch: int = 1) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(len(ID), 512, (batch, n)))


class S2Test(unittest.TestCase):
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
        ids = tokens(64, 1)
        other = ids.clone()
        other[0, 40:] = tokens(24, 2)
        positions = torch.arange(64)[None]
        with torch.no_grad():
            a, b = (model(x, positions, None, attend=s2_attend(16)) for x in (ids, other))
        self.assertEqual(float((a[:, :40] - b[:, :40]).abs().max()), 0.0)
        self.assertGreater(float((a[:, 40:] - b[:, 40:]).abs().max()), 1e-3)


class MemoryTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(4)
        self.model = MemoryModel(tiny(), rank=4)
        for name, p in self.model.named_parameters():
            if name.endswith(".b"):
                torch.nn.init.normal_(p, std=0.2)  # untrained changes are zero and would hide what they touch
        torch.nn.init.normal_(self.model.span_weight)
        torch.nn.init.constant_(self.model.span_gain, 1.5)

    def test_second_pass_equals_one_pass_with_slots_inside(self):
        ids, ratio = tokens(24, 5, 2), 8
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

    def test_a_slot_in_place_starts_as_the_row_of_its_last_token(self):
        model, ids, ratio = MemoryModel(tiny(), rank=4, in_place=True), tokens(22, 11, 2), 8
        got, rows = model.encode(Segment(ids), ratio), model.ordinary(Segment(ids))
        at = torch.tensor([SINKS + c - 1 for c in coverage(22, ratio)])
        for a, b in zip([*got.keys, *got.values], [*rows.keys, *rows.values]):
            self.assertLess(float((a - b[:, :, at]).detach().abs().max()), 1e-4)

    def test_a_slot_of_a_high_ratio_is_the_last_of_those_of_a_low_one(self):
        ids = tokens(128, 10)
        fine, coarse = self.model.encode(Segment(ids), 32), self.model.encode(Segment(ids), 128)
        for a, b in zip([*fine.keys, *fine.values], [*coarse.keys, *coarse.values]):
            self.assertLess(float((a[:, :, -1:] - b).detach().abs().max()), 1e-4)

    def test_ordinary_rows_are_the_bases(self):
        ids = tokens(20, 6)
        rows = self.model.ordinary(Segment(ids))
        plain = self.model.base(torch.cat([torch.tensor([SINK_IDS]), ids], 1), torch.arange(24)[None], None, rows=True)[
            1
        ]
        for a, b in zip([*rows.keys, *rows.values], [*plain.keys, *plain.values]):
            self.assertEqual(float((a - b).abs().max()), 0.0)

    def test_ablation_everywhere_changes_the_ordinary_rows(self):
        ids = tokens(20, 6)
        before = self.model.ordinary(Segment(ids))
        self.model.everywhere = True
        after = self.model.ordinary(Segment(ids))
        self.assertGreater(float((before.values[0] - after.values[0]).abs().max()), 1e-3)
        self.assertTrue(after.values[0].requires_grad and not before.values[0].requires_grad)

    def test_rows_do_not_depend_on_neighbours(self):
        ids = tokens(24, 7, 3)
        together, alone = self.model.encode(Segment(ids), 8), self.model.encode(Segment(ids[1:2]), 8)
        for a, b in zip([*together.keys, *together.values], [*alone.keys, *alone.values]):
            self.assertLess(float((a[1:2] - b).abs().max()), 1e-5)

    def test_side_by_side_equals_one_after_another(self):
        ids = tokens(48, 12, 2).view(2, 2, 24)
        many = self.model.encode_all(ids, 8)
        one = Rows.cat([self.model.encode(Segment(ids[:, i]), 8) for i in range(2)])
        for a, b in zip([*many.keys, *many.values], [*one.keys, *one.values]):
            self.assertLess(float((a - b).abs().max()), 1e-5)

    def test_a_slot_sees_no_row_past_its_share(self):
        ids = tokens(24, 8)
        other = ids.clone()
        other[0, 16:] = tokens(8, 9)
        a, b = self.model.encode(Segment(ids), 8), self.model.encode(Segment(other), 8)
        self.assertEqual(float((a.values[-1][:, :, :2] - b.values[-1][:, :, :2]).abs().max()), 0.0)
        self.assertGreater(float((a.values[-1][:, :, 2] - b.values[-1][:, :, 2]).abs().max()), 1e-4)


class Drawn(random.Random):
    """Gives the numbers it was told, so that every outcome of the reservoir can be visited."""

    def __init__(self, numbers):
        super().__init__()
        self.numbers = list(numbers)

    def randrange(self, stop, *_):
        number = self.numbers.pop(0)
        assert number < stop
        return number


class EstimatorTest(unittest.TestCase):
    COUNT = 5

    def gradient(self, how):
        torch.manual_seed(6)
        model = MemoryModel(tiny(), rank=2)
        for name, p in model.named_parameters():
            if name.endswith(".b"):
                torch.nn.init.normal_(p, std=0.2)
        ids = tokens(8 * self.COUNT, 11).reshape(1, self.COUNT, 8)
        sinks = model.sinks(1, "cpu")

        def loss(i, held):
            hidden = model.decode(ids[:, i], Rows.cat(held) if held else None, sinks)
            return model.loss(hidden[:, :-1], ids[:, i, 1:])[0]

        how(self.COUNT, lambda i: model.encode(Segment(ids[:, i]), 4), loss)
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).double()

    def expectation(self, size, compensate):
        """The mean over all outcomes of the reservoir, each with its probability: no sampling noise."""
        draws = [range(t + 1) for t in range(size, self.COUNT - 1)]
        total, outcomes = 0, list(itertools.product(*draws))
        for numbers in outcomes:
            total = total + self.gradient(
                lambda count, encode, loss: incremental(count, encode, loss, size, Drawn(numbers), compensate)
            )
        return total / len(outcomes)

    def test_unbiased_with_the_factor_and_biased_without(self):
        exact = self.gradient(full)
        for size in (1, 2):
            error = (self.expectation(size, True) - exact).norm() / exact.norm()
            self.assertLess(float(error), 1e-4, f"S = {size}")
        self.assertGreater(float((self.expectation(1, False) - exact).norm() / exact.norm()), 0.05)

    def test_a_reservoir_of_all_is_exact(self):
        exact = self.gradient(full)
        got = self.gradient(lambda count, encode, loss: incremental(count, encode, loss, 10, random.Random(0)))
        self.assertLess(float((got - exact).norm() / exact.norm()), 1e-5)


class LossTest(unittest.TestCase):
    def test_chunked_equals_plain(self):
        torch.manual_seed(1)
        hidden, weight = torch.randn(2, 9, 16, requires_grad=True), torch.randn(40, 16, requires_grad=True)
        targets = torch.randint(0, 40, (2, 9))
        targets[0, :3] = IGNORE
        plain = torch.nn.functional.cross_entropy(
            (hidden @ weight.t()).view(-1, 40), targets.view(-1), ignore_index=IGNORE
        )
        expected = torch.autograd.grad(plain, (hidden, weight))
        loss, each = cross_entropy(hidden, weight, targets, chunk=5)
        self.assertAlmostEqual(float(loss.detach()), float(plain.detach()), places=5)
        self.assertEqual(float(each[0, :3].abs().sum()), 0.0)
        for got, want in zip(torch.autograd.grad(loss, (hidden, weight)), expected):
            self.assertLess(float((got - want).abs().max()), 1e-5)

    def test_a_teacher_is_a_share_of_the_targets(self):
        torch.manual_seed(2)
        hidden, weight, teacher = (
            torch.randn(1, 7, 16, requires_grad=True),
            torch.randn(40, 16, requires_grad=True),
            torch.randn(1, 7, 16),
        )
        targets = torch.randint(0, 40, (1, 7))
        targets[0, 2] = IGNORE
        asked = targets[0] != IGNORE
        logits, taught = (hidden @ weight.t())[0, asked], (teacher @ weight.detach().t())[0, asked].softmax(-1)
        hard = torch.nn.functional.cross_entropy(logits, targets[0, asked])
        soft = -(taught * logits.log_softmax(-1)).sum(-1).mean()
        expected = torch.autograd.grad(0.7 * hard + 0.3 * soft, (hidden, weight))
        loss, _ = cross_entropy(hidden, weight, targets, chunk=4, teacher=teacher, trust=0.3)
        self.assertAlmostEqual(float(loss.detach()), float(hard.detach()), places=5)
        for got, want in zip(torch.autograd.grad(loss, (hidden, weight)), expected):
            self.assertLess(float((got - want).abs().max()), 1e-5)


class ExportTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.at = Path(self.folder.name)
        bpe.save(bpe.build(512, ["def f(x):\n    return x + 1\n" * 4]), self.at / "tokenizer")

    def tearDown(self):
        self.folder.cleanup()

    def test_round_trip_and_reference(self):
        model = tiny()
        write_folder(model, self.at / "tokenizer", self.at / "out")
        self.assertLess(check(self.at / "out"), 1e-3)
        back = read_folder(self.at / "out")
        for (name, a), (_, b) in zip(model.named_parameters(), back.named_parameters()):
            self.assertTrue(torch.equal(a.half().float(), b), name)
        for line in (self.at / "out/SHA256SUMS").read_text().splitlines():
            self.assertEqual(len(line.split()[0]), 64)

    def test_a_wrong_weight_shows(self):
        model = tiny()
        write_folder(model, self.at / "tokenizer", self.at / "out")
        ids = tokens(30, 3)
        want = forward(self.at / "out", ids[0].tolist())
        half = model.config.head_dim // 2
        with torch.no_grad():  # the mistake the check exists for: pairs laid out side by side instead of half apart
            w = model.model.layers[0].self_attn.q_proj.weight
            w[: half * 2] = w[: half * 2].view(half, 2, -1).transpose(0, 1).reshape(half * 2, -1)
            got = model.logits(model(ids, torch.arange(30)[None], None))[0].numpy()
        self.assertGreater(float(np.abs(got - want).max()), 1e-2)

    def test_masked_reference(self):
        model = tiny()
        write_folder(model, self.at / "tokenizer", self.at / "out")
        model = read_folder(self.at / "out")
        ids = tokens(40, 4)
        ids[0, :SINKS] = torch.tensor(SINK_IDS)
        ids[0, [12, 25]] = ID["anchor"]
        mask = visible(anchored(ids == ID["anchor"], SINKS))
        with torch.no_grad():
            got = model.logits(model(ids, torch.arange(40)[None], mask))[0].numpy()
        self.assertLess(float(np.abs(got - forward(self.at / "out", ids[0].tolist(), mask[0, 0].numpy())).max()), 1e-3)

    def test_adapter_merges_to_the_same_model(self):
        factors = np.linspace(1, 8, 16).tolist()

        def base():
            model = tiny()
            model.rope = type(model.rope)(32, 10000.0, factors, 1.1)
            return model

        model = adapt(base(), 4, 8.0)
        with torch.no_grad():
            for p in model.parameters():
                if p.requires_grad:
                    p.add_(torch.randn_like(p) * 0.05)
        save_adapter(model, self.at / "adapter", 4, 8.0, "base")
        plain = merged(base(), self.at / "adapter")
        ids = tokens(30, 5)
        with torch.no_grad():
            a, b = (m(ids, torch.arange(30)[None], None) for m in (model, plain))
        self.assertLess(float((a - b).abs().max()), 1e-4)
        config = json.loads((self.at / "adapter/adapter_config.json").read_text())
        self.assertEqual(config["peft_type"], "LORA")


if __name__ == "__main__":
    unittest.main()
