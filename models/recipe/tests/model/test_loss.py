"""The chunked loss against the plain one."""

from __future__ import annotations

import unittest

import torch

from recipe.model.loss import IGNORE, cross_entropy


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


if __name__ == "__main__":
    unittest.main()
