"""Keys and needles: values stand behind their names, and only answers have targets."""

from __future__ import annotations

import re
import unittest

import numpy as np

from recipe.config import ID
from recipe.model.loss import IGNORE
from recipe.tasks.keys import KeyMaker
from recipe.tasks.needles import NeedleMaker
from recipe.tests.support import TokensCase


class RecallTest(TokensCase):
    def test_keys_ask_for_values_that_stand_behind_their_names(self):
        keys = KeyMaker(self.encode)
        keys.read_identifiers(self.tokens, 20)
        for kind in (None, "number", "identifier", "pieces"):
            made = keys.batch(self.tokens, np.random.default_rng(2), 4, 2, 48, 2, 3, kind)
            for row in range(4):
                text, question, targets = (
                    made.segments[row].flatten().tolist(),
                    made.question[row].tolist(),
                    made.targets[row].tolist(),
                )
                starts = [i for i, token in enumerate(question) if token == ID["query"]]
                self.assertEqual(len(starts), 2)
                for a, b in zip(starts, [*starts[1:], len(question)]):
                    asked = [i for i in range(a, b) if targets[i] != IGNORE]
                    value, name = [targets[i] for i in asked], question[a + 1 : asked[0] + 1]
                    self.assertEqual(value[:-1], question[asked[0] + 1 : asked[0] + len(value)])
                    self.assertTrue(any(text[i : i + len(name) + len(value)] == name + value for i in range(len(text))))
                    if kind == "number":
                        self.assertTrue(self.encode.decode(value).isdigit())

    def test_needles_stand_in_the_text_and_only_their_answers_are_asked(self):
        keys = KeyMaker(self.encode)
        keys.read_identifiers(self.tokens, 20)
        made = NeedleMaker(keys).batch(self.tokens, np.random.default_rng(3), 6, 2, 128, 3)
        self.assertEqual(tuple(made.segments.shape), (6, 2, 128))
        for segments, question, targets in zip(*(part.numpy() for part in made)):
            wanted = targets[targets != IGNORE].tolist()
            self.assertEqual(wanted[-1], ID["end"])
            text = self.encode.decode(segments.flatten())
            for pair in self.encode.decode(wanted[:-1]).strip().split(", "):
                name, value = re.split(" = | is ", pair.split(" of ")[-1])
                self.assertRegex(text, rf"{re.escape(name)}\b.*{re.escape(value)}")
            asked = question.tolist()
            at = asked.index(ID["assistant"])
            self.assertEqual((asked[0], asked[at - 1]), (ID["user"], ID["end"]))
            self.assertEqual(
                asked[at + 1 : at + len(wanted)], wanted[:-1]
            )  # what is written is what was asked for, one row later

    def test_several_turns_ask_for_one_needle_after_another(self):
        made = NeedleMaker(KeyMaker(self.encode)).batch(
            self.tokens, np.random.default_rng(4), 4, 1, 128, 3, several=0.0, turns=3
        )
        for question, targets in zip(made.question.tolist(), made.targets.tolist()):
            self.assertEqual(targets.count(ID["end"]), 3)
            begins = [i for i, token in enumerate(question) if token == ID["assistant"]]
            self.assertEqual(len(begins), 3)
            answers = []
            for at in begins:
                written = targets[at : targets.index(ID["end"], at)]
                self.assertNotIn(IGNORE, written)
                self.assertEqual(question[at + 1 : at + 1 + len(written)], written)
                self.assertEqual(targets[at - 1], IGNORE)  # the turn's own marks are not learnt
                answers.append(tuple(written))
            self.assertEqual(len(set(answers)), 3)

    def test_look_alikes_share_a_half_of_the_name_and_differ(self):
        maker, rng = NeedleMaker(KeyMaker(self.encode)), np.random.default_rng(5)
        for _ in range(50):
            first, *others = maker.names(rng, 4)
            self.assertNotIn(first, others)
            if "_" in first:
                self.assertTrue(all(set(first.split("_")) & set(other.split("_")) for other in others))

    def test_keys_are_in_exactly_one_segment(self):
        made = KeyMaker(self.encode).single(self.tokens, np.random.default_rng(2), 3, 2, 48)
        for i in range(3):
            value = [int(t) for t in made.targets[i] if t != IGNORE]
            held = [str(value)[1:-1] in str(segment.tolist()) for segment in made.segments[i]]
            self.assertEqual(sum(held), 1)


if __name__ == "__main__":
    unittest.main()
