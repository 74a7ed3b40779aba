import unittest

import torch

from recipe.model.loss import IGNORE
from recipe.model.masks import visible
from recipe.reader.generate import greedy
from recipe.reader.rows import Tree, batch, read_parts, row_of
from recipe.tests.reader.support import ReaderCase
from recipe.tests.support import tiny


def trees() -> list[Tree]:
    return [Tree([40, 41, 42], [([50, 51], [60, 61]), ([52], [62])]), Tree([43, 44], [([], [63, 64])])]


class TestRows(unittest.TestCase):
    def test_a_packed_branch_reads_as_if_it_stood_alone(self):
        model, b = tiny(), batch([row_of(trees())])
        packed = model(b.ids, b.positions, visible(b.layout))[0]
        at = 0
        for tree in trees():
            begin = at + len(tree.stem)
            for given, said in tree.branches:
                alone = torch.tensor([tree.stem + given + said])
                expected = model(alone, torch.arange(alone.shape[1])[None], None)[0, len(tree.stem) :]
                n = len(given) + len(said)
                self.assertLess(float((packed[begin : begin + n] - expected).detach().abs().max()), 1e-4)
                begin += n
            at += tree.size

    def test_loss_falls_on_answers_only(self):
        b = batch([row_of(trees())])
        self.assertEqual(b.targets[b.targets != IGNORE].tolist(), [60, 61, 62, 63, 64])

    def test_padding_changes_nothing(self):
        model, short, long = tiny(), row_of(trees()[1:]), row_of(trees())
        both, alone = batch([short, long], 16), batch([short])
        self.assertEqual(both.ids.shape, (2, 16))
        n = len(short.ids)
        got = model(both.ids, both.positions, visible(both.layout))[0, :n]
        expected = model(alone.ids, alone.positions, visible(alone.layout))[0]
        self.assertLess(float((got - expected).detach().abs().max()), 1e-4)
        self.assertEqual(both.targets[0, :n].tolist(), alone.targets[0].tolist())


class TestParts(ReaderCase):
    def test_rows_are_read_back_and_hold_answers(self):
        found = read_parts(self.at / "rows/train-answers")
        said = [self.tokenizer.decode(r.ids[r.said].tolist(), skip_special_tokens=False) for r in found]
        self.assertIn("`add_3` is in `a.py`.<|im_end|>", "".join(said))
        self.assertTrue(all(len(r.ids) <= 400 for r in found))


class TestGenerate(unittest.TestCase):
    def test_batched_decoding_equals_decoding_one_by_one(self):
        model = tiny()
        groups = [([40, 41, 42, 43, 44], [[50, 51], [52]]), ([45, 46], [[53, 54, 55]]), ([], [[56]])]
        got = greedy(model, groups, end=-1, limit=6)
        for (stem, prompts), said in zip(groups, got):
            for prompt, tokens in zip(prompts, said):
                ids = stem + prompt
                for token in tokens:
                    hidden = model(torch.tensor([ids]), torch.arange(len(ids))[None], None)
                    self.assertEqual(token, int(model.logits(hidden[:, -1]).argmax()))
                    ids = ids + [token]

    def test_an_end_token_ends_one_answer_and_not_the_others(self):
        model = tiny()
        (free,) = greedy(model, [([40], [[50], [51]])], end=-1, limit=5)
        (ended,) = greedy(model, [([40], [[50], [51]])], end=free[0][2], limit=5)
        self.assertEqual(ended[0], free[0][: free[0].index(free[0][2])])


if __name__ == "__main__":
    unittest.main()
