"""Reading, hiding, splitting and drawing functions."""

from __future__ import annotations

import dataclasses
import gzip
import json
import unittest

from recipe.tasks.functions import Function, FunctionSampler, documented, read, split
from recipe.tasks.synthetic import synthetic
from recipe.tests.support import TokensCase


class FunctionsTest(TokensCase):
    def setUp(self):
        self.functions = [Function(**record) for record in synthetic(60)]

    def test_reader_names_the_broken_line(self):
        good = synthetic(2)
        bad = {**good[1], "startLine": "7"}
        for name, opener in (("f.jsonl", open), ("f.jsonl.gz", gzip.open)):
            path = self.at / name
            with opener(path, "wt") as out:
                out.write(json.dumps(good[0]) + "\n")
            self.assertEqual(read(path)[0].name, good[0]["name"])
            with opener(path, "at") as out:
                out.write(json.dumps(bad) + "\n")
            with self.assertRaisesRegex(SystemExit, r":2: `startLine`"):
                read(path)

    def test_names_are_hidden_and_repositories_do_not_cross_the_split(self):
        f = dataclasses.replace(self.functions[0], name="run", code="def run(x):\n    return rerun(run, x.run)\n")
        self.assertEqual(f.hidden(f.code), "def _(x):\n    return rerun(_, x._)\n")
        train, held = split(documented(self.functions), 0.3)
        self.assertTrue(train and held)
        self.assertFalse({f.repo for f in train} & {f.repo for f in held})

    def test_summary_is_the_first_sentence(self):
        f = dataclasses.replace(self.functions[0], doc="Reads e.g. a file\nand closes it. Then more.\n\nLong story.")
        self.assertEqual(f.summary, "Reads e.g. a file and closes it.")
        self.assertEqual(dataclasses.replace(f, doc="Write events\n@param string $type Text").summary, "Write events")

    def test_batches_hold_functions_of_one_repository_together(self):
        batch = FunctionSampler(self.functions, 1).batch(3, 16)
        repos = [f.repo for f in batch]
        self.assertTrue(any(repos.count(r) >= 2 for r in repos))
        self.assertEqual(len({(f.repo, f.summary) for f in batch}), len(batch))


if __name__ == "__main__":
    unittest.main()
