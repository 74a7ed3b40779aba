"""Rows of the tasks."""

from __future__ import annotations

import unittest

from recipe.config import ID
from recipe.model.loss import IGNORE
from recipe.tasks.examples import ExampleMaker
from recipe.tasks.functions import Function
from recipe.tasks.synthetic import synthetic
from recipe.tests.support import TokensCase


class ExamplesTest(TokensCase):
    def setUp(self):
        self.functions = [Function(**record) for record in synthetic(60)]
        self.maker = ExampleMaker(self.encode, text_tokens=90)

    def test_examples_ask_for_the_answer_and_nothing_else(self):
        examples = self.maker.gists(self.functions[:3])
        size = 4 + max(map(len, examples.rows))
        targets = examples.targets(4, size)
        for row, target, f in zip(examples.rows, targets, self.functions):
            said = [int(t) for t in target if t != IGNORE]
            self.assertEqual(self.encode.decode(said[:-1]), f.summary)
            self.assertEqual(said[-1], ID["end"])
            at = row.index(ID["gist"])
            self.assertEqual(target[4 + at], row[at + 1])


if __name__ == "__main__":
    unittest.main()
