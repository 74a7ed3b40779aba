"""Every stage of the reader with the tiny base: it trains, saves, resumes, and what it exports is what it trained."""

import json
import unittest

import torch

from recipe.checkpoint import load_model, read
from recipe.config import ANCHOR_MAX, ANCHOR_MIN
from recipe.reader import evaluate, export
from recipe.reader.adapter import load_reader
from recipe.reader.anchors import Anchors
from recipe.reader.answers import Answers, Feed, row_loss
from recipe.reader.long_window import LongWindow
from recipe.reader.memory import ReaderMemory
from recipe.reader.rows import batch, read_parts
from recipe.tests.reader.support import ReaderCase
from recipe.tokens.store import Tokens


class TestStages(ReaderCase):
    def flags(self, name: str, *more: object) -> list[str]:
        return ["--base", str(self.at / "base"), "--run", str(self.at / name), *map(str, more)]

    def test_answers_learn_and_resume_and_are_exported(self):
        known = self.flags(
            "answers", "--rows", self.at / "rows", "--first", 1, "--rank", 4, "--lr", 0.01, "--mean", 0.0
        )
        Answers.main([*known, "--steps", "30"])
        ended = Answers.main([*known, "--steps", "60"])
        self.assertEqual(ended["step"], 60)
        rows = batch(read_parts(self.at / "rows/train-answers"))
        losses = []
        with torch.no_grad():
            for adapter in (None, self.at / "answers/adapter"):
                losses.append(float(row_loss(load_reader(self.at / "base", adapter), rows)[0]))
        self.assertLess(losses[1], 0.7 * losses[0])
        config = json.loads((self.at / "answers/adapter/adapter_config.json").read_text())
        self.assertEqual((config["r"], config["layers_to_transform"]), (4, [1]))
        export.main(
            ["--base", str(self.at / "base"), "--adapter", str(self.at / "answers/adapter")]
            + ["--out", str(self.at / "kept"), "--merged", str(self.at / "merged")]
        )
        with torch.no_grad():
            merged = float(row_loss(load_model(self.at / "merged"), rows)[0])
        self.assertAlmostEqual(merged, losses[1], delta=0.02)
        again = Answers.main(
            [
                *self.flags("again", "--rows", self.at / "rows", "--first", 1, "--rank", 4, "--init", self.at / "kept"),
                "--steps",
                "61",
            ]
        )
        self.assertEqual((again["step"], again["tokens"] > ended["tokens"]), (61, True))
        report = evaluate.main(
            [
                "--base",
                str(self.at / "base"),
                "--adapter",
                str(self.at / "answers/adapter"),
                "--examples",
                str(self.at / "examples"),
                "--sets",
                "2",
                "--gists",
                "2",
                "--limit",
                "8",
            ]
        )
        self.assertLess(report["adapted"]["nats"]["absent"][0], report["base"]["nats"]["absent"][0])

    def test_a_feed_keeps_its_share_and_repeats_no_row_in_an_epoch(self):
        answers, gists = list(range(7)), [f"g{i}" for i in range(3)]
        drawn = [Feed(answers, gists, 0.3, 1).row(i) for i in range(10)]
        self.assertEqual(sorted(map(str, drawn)), sorted(map(str, [*answers, *gists])))
        self.assertEqual(drawn[6:], [Feed(answers, gists, 0.3, 1).row(i) for i in range(6, 10)])

    def test_a_longer_window_by_shifted_attention(self):
        known = self.flags("long", "--tokens", self.at / "text", "--window", 256)
        LongWindow.main([*known, "--steps", "2"])
        ended = LongWindow.main([*known, "--steps", "3"])
        self.assertEqual(ended["step"], 3)
        state = read(self.at / "long/last.pt")
        self.assertFalse(any("embed" in name for name in state["weights"]))
        self.assertTrue(any(name.endswith("norm.weight") for name in state["weights"]))
        found = LongWindow.main([*known, "--evaluate", "--evaluate-rows", "2"])
        self.assertEqual(set(found) & {"base", "factors_only", "tuned"}, {"base", "factors_only", "tuned"})

    def test_memory_tokens_answer_and_resume(self):
        known = self.flags(
            "memory", "--tokens", self.at / "text", "--tokenizer", self.at / "base", "--examples", self.at / "examples"
        )
        known += [
            "--ratios",
            "16",
            "8",
            "--lengths",
            "48",
            "--segments",
            "3",
            "--rank",
            "4",
            "--answers",
            "0.5",
            "--window",
            "128",
        ]
        ReaderMemory.main([*known, "--steps", "6"])
        self.assertEqual(ReaderMemory.main([*known, "--steps", "8"])["step"], 8)
        self.assertIn("slot", read(self.at / "memory/last.pt")["weights"])

    def test_anchors_are_tokens_of_the_text(self):
        known = self.flags("anchors", "--tokens", self.at / "text", "--rank", 4, "--length", 512)
        Anchors.main([*known, "--steps", "2", "--windows", "64"])
        self.assertEqual(Anchors.main([*known, "--steps", "3", "--windows", "64"])["step"], 3)
        weights = read(self.at / "anchors/last.pt")["weights"]
        self.assertTrue(weights and all(".lora." in name for name in weights))
        self.assertEqual(
            json.loads((self.at / "anchors/adapter/anchors.json").read_text()), {"anchor_rule": {"min": ANCHOR_MIN, "max": ANCHOR_MAX}}
        )

    def test_text_has_the_marks_of_the_base(self):
        tokens = Tokens(self.at / "text", "train")
        self.assertEqual((int(tokens.ids[0]), int(tokens.ids[-1])), (6, 0))
        self.assertGreater(len(tokens.anchors), 0)


if __name__ == "__main__":
    unittest.main()
