"""Tokenizer, tokens on disk, the stream of rows, and what the tasks ask."""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
import tempfile
import unittest
from pathlib import Path

import numpy as np

from recipe.config import ANCHOR_MAX, ANCHOR_MIN, ID, SINK_IDS, SPECIALS
from recipe.eval.bleu import bleu
from recipe.eval.bm25 import BM25
from recipe.eval.ranks import fused, reciprocal_ranks
from recipe.model.loss import IGNORE
from recipe.model.masks import visible
from recipe.tasks.commits import commit_pairs
from recipe.tasks.examples import Maker, lesson_targets
from recipe.tasks.functions import Draw, Function, documented, read, split
from recipe.tasks.keys import KeyMaker
from recipe.tasks.needles import NeedleMaker
from recipe.tasks.synthetic import synthetic
from recipe.tokens import tokenizer as bpe
from recipe.tokens.encoder import Encoder
from recipe.tokens.rows import KINDS, Stream
from recipe.tokens.store import Tokens, write_split

SOURCE = "".join(
    f"def add_{i}(left, right):\n    # adds {i}\n    total = left + right + {i}\n    return total\n\n\n"
    for i in range(40)
)


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = Path(cls.folder.name)
        bpe.save(bpe.build(600, [SOURCE]), cls.at / "tokenizer")
        cls.encode = Encoder(cls.at / "tokenizer")
        records = [
            {"repo": f"r{i % 3}", "path": f"{i}.py", "language": "python", "text": SOURCE[i * 50 :]} for i in range(9)
        ]
        cls.report = write_split("train", iter(records), cls.encode, cls.at / "tokens")
        cls.tokens = Tokens(cls.at / "tokens", "train")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()


class TokenizerTest(Base):
    def test_round_trip_of_awkward_text(self):
        for text in [
            "\tx = 'é漢字'\r\n\r\n\t\ty\n",
            "a  b   c    \n \n",
            "__init__ _x x_ HTTPServer2 \u00a0\u2028",
            "<|bos|><|anchor|>",
            "",
        ]:
            self.assertEqual(self.encode.decode(self.encode(text)), text)

    def test_specials_come_first_and_text_never_makes_them(self):
        self.assertEqual([self.encode.tokenizer.token_to_id(s) for s in SPECIALS], list(range(len(SPECIALS))))
        self.assertTrue(all(i >= len(SPECIALS) for i in self.encode("".join(SPECIALS))))

    def test_pieces(self):
        pieces = self.encode.tokenizer.pre_tokenizer.pre_tokenize_str("x1 = getHTTPName(_user_id)\n\n        if 42:")
        self.assertEqual(
            [p.replace("Ġ", " ").replace("Ċ", "\n") for p, _ in pieces],
            ["x", "1", " =", " get", "HTTP", "Name", "(", "_user", "_id", ")", "\n\n        ", "if", " 4", "2", ":"],
        )

    def test_indentation_is_one_token(self):
        self.assertEqual(len(self.encode("\n    ")), 1)


class RowsTest(Base):
    def test_split_is_in_order_of_repository_and_its_anchors_follow_the_rule(self):
        meta = [json.loads(line) for line in (self.at / "tokens/train.meta.jsonl").read_text().splitlines()]
        self.assertEqual(meta, sorted(meta, key=lambda m: (m["repo"], m["path"])))
        for doc in range(self.tokens.count):
            start, end = self.tokens.docs[doc], self.tokens.docs[doc + 1]
            gaps = np.diff(np.concatenate([[0], self.tokens.cuts(start, end)]))
            self.assertTrue(((gaps >= ANCHOR_MIN) & (gaps <= ANCHOR_MAX)).all())

    def test_rows_hold_the_text_and_predict_every_token_once(self):
        stream = Stream(self.tokens, 1)
        for kind in KINDS:
            batch = stream.batch(6, 2 * ANCHOR_MAX, kind)
            self.assertEqual(batch.ids[0, :4].tolist(), list(SINK_IDS))
            asked = batch.targets != IGNORE
            self.assertTrue((batch.targets[asked] != ID["anchor"]).all())
            nexts = batch.ids[:, 1:]
            wanted = asked[:, :-1]
            self.assertTrue((nexts[wanted] == batch.targets[:, :-1][wanted]).all())
            self.assertEqual(
                bool((batch.ids == ID["anchor"]).any()),
                kind in ("ansan", "spliced") or bool((batch.layout.role & 1).any()),
            )
            mask = visible(batch.layout)
            self.assertTrue(mask.diagonal(dim1=2, dim2=3).all())
            self.assertTrue(mask[:, :, :, :1].all(), "all rows see the first sink")

    def test_a_cursor_resumes_the_very_next_rows(self):
        stream = Stream(self.tokens, 1)
        for _ in range(5):
            batch = stream.batch(4, 96)
        cursor = json.loads(json.dumps(batch.cursor))
        after, again = stream.batch(4, 96), Stream(self.tokens, 1, cursor).batch(4, 96)
        self.assertTrue((after.ids == again.ids).all())
        self.assertEqual(after.kinds, again.kinds)


class TasksTest(Base):
    def setUp(self):
        self.functions = [Function(**f) for f in synthetic(60)]
        self.maker = Maker(self.encode, text_tokens=90, window=400)

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

    def test_a_commit_is_paired_with_the_changed_function_that_shares_its_words(self):
        f, g = (dataclasses.replace(x, path="a.py", repo="r") for x in self.functions[:2])
        f, g = dataclasses.replace(f, name="parse_header"), dataclasses.replace(g, name="write_footer")
        path = self.at / "commits.jsonl"
        path.write_text(
            "".join(
                json.dumps({"repo": "r", "commit": "", "subject": s, "paths": [p]}) + "\n"
                for s, p in (
                    ("Speed up the footer writer", "a.py"),
                    ("Bump xyzzy", "a.py"),
                    ("Parse headers", "gone.py"),
                )
            )
        )
        self.assertEqual(commit_pairs(path, [f, g]), [("Speed up the footer writer", g)])

    def test_batches_hold_functions_of_one_repository_together(self):
        batch = Draw(self.functions, 1).batch(3, 16)
        repos = [f.repo for f in batch]
        self.assertTrue(any(repos.count(r) >= 2 for r in repos))
        self.assertEqual(len({(f.repo, f.summary) for f in batch}), len(batch))

    def test_lessons_ask_for_the_answer_and_nothing_else(self):
        lesson = self.maker.gist_lesson(self.functions[:3])
        size = 4 + max(map(len, lesson.rows))
        targets = lesson_targets(lesson, 4, size)
        for row, target, f in zip(lesson.rows, targets, self.functions):
            said = [int(t) for t in target if t != IGNORE]
            self.assertEqual(self.encode.decode(said[:-1]), f.summary)
            self.assertEqual(said[-1], ID["end"])
            at = row.index(ID["gist"])
            self.assertEqual(target[4 + at], row[at + 1])

    def test_a_lesson_asks_for_values_that_stand_behind_their_names(self):
        keys = KeyMaker(self.encode)
        keys.read_identifiers(self.tokens, 20)
        for kind in (None, "number", "identifier", "pieces"):
            made = keys.lesson(self.tokens, np.random.default_rng(2), 4, 2, 48, 2, 3, kind)
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
        made = NeedleMaker(keys).lesson(self.tokens, np.random.default_rng(3), 6, 2, 128, 3)
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
        made = NeedleMaker(KeyMaker(self.encode)).lesson(
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
        made = KeyMaker(self.encode).make(self.tokens, np.random.default_rng(2), 3, 2, 48)
        for i in range(3):
            value = [int(t) for t in made.targets[i] if t != IGNORE]
            held = [str(value)[1:-1] in str(segment.tolist()) for segment in made.segments[i]]
            self.assertEqual(sum(held), 1)


class FiguresTest(unittest.TestCase):
    def test_ranks_give_no_credit_for_ties(self):
        scores = np.array([[0.9, 0.1, 0.5], [0.0, 0.0, 0.0]])
        self.assertEqual(reciprocal_ranks(scores, np.array([2, 0])).tolist(), [0.5, 1 / 3])

    def test_fusion_prefers_what_both_rank_high(self):
        a, b = np.array([[3.0, 2.0, 1.0]]), np.array([[1.0, 3.0, 2.0]])
        self.assertEqual(int(fused(a, b).argmax()), 1)

    def test_bleu(self):
        text = "returns the sum of two numbers".split()
        self.assertAlmostEqual(bleu(text, text), 100.0)
        self.assertEqual(bleu("alpha beta".split(), text), 0.0)
        self.assertLess(bleu(text[:3], text), bleu(text[:5], text))

    def test_bm25_finds_by_parts_of_identifiers(self):
        index = BM25(["def parse_url(x)", "def sendRequest(y)", "class Widget"])
        self.assertEqual(int(index.scores("send a request").argmax()), 1)


if __name__ == "__main__":
    unittest.main()
