"""The prompts are those of the product: test/assistant/write/reader-prompt.test.ts makes them from the same file."""

import json
import unittest
from pathlib import Path

from recipe.reader.prompt import Block, answer_prefix, gist_prompt, question_part

PROMPTS = json.loads(
    (Path(__file__).resolve().parents[2] / "fixtures/reader-prompts.json").read_text(encoding="utf-8")
)


class TestPrompt(unittest.TestCase):
    def test_prompts_are_those_of_the_product(self):
        blocks = [Block(b["path"], b["first"], b["last"], b["text"]) for b in PROMPTS["blocks"]]
        self.assertEqual(answer_prefix(blocks) + question_part(PROMPTS["question"]), PROMPTS["answer"])
        self.assertEqual(gist_prompt(blocks[0]), PROMPTS["gist"])


if __name__ == "__main__":
    unittest.main()
