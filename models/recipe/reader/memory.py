"""The reader's memory tokens: `python -m recipe.reader.memory --base DIR --adapter DIR --tokens DIR --run DIR`.

The recipe's memory stage at 32 and 8 tokens a memory token, over the base with an adapter of the tasks merged in. Beside
its tasks (continuing, repeating, copying, needles) it answers questions whose evidence stands as memory tokens only.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from recipe.config import home
from recipe.model.kv_rows import Rows
from recipe.model.memory_slots import MemoryModel, Segment
from recipe.reader.adapter import load_reader
from recipe.reader.prompt import ANSWER_SYSTEM, END, START, Block, question_part
from recipe.reader.rows import read_examples
from recipe.stages.memory import Memory
from recipe.tokens.encoder import Encoder


def recalled_answer(
    model: MemoryModel, blocks: list[list[int]], asked: list[int], said: list[int], ratio: int, where
) -> Tensor:
    """Nats a token of an answer whose evidence, a segment a block, is read as memory tokens."""
    memories = Rows.cat([model.encode(Segment(torch.tensor([ids], device=where)), ratio) for ids in blocks])
    ids = torch.tensor([asked + said], device=where)
    hidden = model.decode(ids[:, :-1], memories, model.sinks(1, where))
    return model.loss(hidden[:, len(asked) - 1 :], ids[:, len(asked) :])[0]


class ReaderMemory(Memory):
    name = "reader/memory"
    defaults = {
        "steps": 2000,
        "ratios": [32, 8],
        "lengths": [256, 128],
        "batch": 1,
        "shares": (0.5, 0.2, 0.2, 0.1),
        "base": home() / "reader/base",
        "tokens": home() / "reader/text",
        "tokenizer": home() / "reader/base",
    }

    @classmethod
    def arguments(cls, parser) -> None:
        super().arguments(parser)
        parser.add_argument("--adapter", type=Path, help="folder of an adapter that is merged into the base first")
        parser.add_argument("--examples", type=Path, default=home() / "reader/examples")
        parser.add_argument(
            "--answers", type=float, default=0.3, help="the share of steps that answer from memory tokens"
        )

    def open_base(self):
        return load_reader(self.options.base, self.options.adapter)

    def build(self) -> None:
        super().build()
        if not self.state:  # UIO-LLMs: memory tokens start as the mark that ends a text
            with torch.no_grad():
                self.model.slot.copy_(self.model.base.model.embed_tokens.weight[0])

    def begin(self) -> dict:
        self.encode = Encoder(self.options.tokenizer)
        self.examples = read_examples(self.options.examples / "train-answers.jsonl")
        return super().begin()

    def gradients(self) -> None:
        if self.rng.random() >= self.options.answers:
            super().gradients()
            return
        ratio = int(self.rng.choice(self.options.ratios))
        example = self.examples[int(self.rng.integers(len(self.examples)))]
        q = example["questions"][int(self.rng.integers(len(example["questions"])))]
        blocks = [self.encode(Block(*b).shown()) for b in example["blocks"]]
        with self.autocast():
            loss = recalled_answer(self.model, blocks, *self._asked(q), ratio, self.device)
        self.learn(f"answer_{ratio}", loss)

    def _asked(self, q: dict) -> tuple[list[int], list[int]]:
        """The prompt without evidence, and the answer with its end."""
        ids = self.encode.tokenizer
        # The chat's own marks are meant here, not their text.
        ids.encode_special_tokens = False
        asked = ids.encode(f"{START}system\n{ANSWER_SYSTEM}{END}\n{START}user{question_part(q['question'])}").ids
        said = ids.encode(q["answer"] + END).ids
        ids.encode_special_tokens = True
        return asked, said


if __name__ == "__main__":
    print(json.dumps(ReaderMemory.main()))
