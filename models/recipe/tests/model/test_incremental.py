"""The incremental gradient is unbiased."""

from __future__ import annotations

import itertools
import random
import unittest

import torch

from recipe.model.incremental import full, incremental
from recipe.model.kv_rows import Rows
from recipe.model.memory_slots import MemoryModel, Segment
from recipe.tests.support import random_tokens, tiny


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
        ids = random_tokens(8 * self.COUNT, 11).reshape(1, self.COUNT, 8)
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
            drawn = Drawn(numbers)
            total = total + self.gradient(
                lambda count, encode, loss, drawn=drawn: incremental(count, encode, loss, size, drawn, compensate)
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


if __name__ == "__main__":
    unittest.main()
