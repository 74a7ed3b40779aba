"""The line pointer against a loop over its definition."""

import math
import sys
import unittest
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from config import ID  # noqa: E402
from pointer import LinePointer, Lines  # noqa: E402
from tasks_examples import Pointing  # noqa: E402


def looped(pointer: LinePointer, lines: list[list[int]], question: list[int]) -> list[float]:
    table, starts = pointer.table, pointer.starts
    logits, before = [], None
    for line in lines:
        if not line:
            logits.append(-8.0)
            continue
        logit = float(pointer.bias + starts[line, 0].mean() + starts[line[0], 1])
        logits.append(logit + (float(starts[before, 2]) if before is not None else 0.0))
        before = line[-1]
    chances = [1 / (1 + math.exp(-x)) for x in logits]
    scores = [float(pointer.none)]
    for i in range(len(lines)):
        said, share = torch.zeros(table.shape[1]), 1.0
        for k in range(i, len(lines)):
            share *= 1 - chances[k] if k > i else 1
            said = said + share * table[lines[k]].sum(0)
        near = torch.nn.functional.cosine_similarity(said, table[question].sum(0), dim=0)
        scores.append(float(pointer.scales[0]) * math.log(chances[i]) + float(pointer.scales[1]) * float(near))
    return scores


class TestPointer(unittest.TestCase):
    def test_scores_of_a_batch_are_those_of_each_question_alone(self):
        torch.manual_seed(3)
        pointer = LinePointer(torch.randn(32, 8))
        with torch.no_grad():
            pointer.starts.normal_()
        texts = [[[11, 12, 13], [14], [], [15, 16], [17, 18, 19, 20]], [[21, 22], [23]], [[], [24, 11], [25]]]
        asked = [[ID["query"], 26], [ID["query"], 11, 27, 28], [ID["query"]]]
        rows = [[*(t for line in text for t in line), *question, ID["point"]] for text, question in zip(texts, asked)]
        ends = [[sum(map(len, text[:i + 1])) - 1 for i in range(len(text))] for text in texts[:2]] + [[-1, 1, 2]]
        with torch.no_grad():
            found = pointer(Lines.of(Pointing(rows, ends, [], [])))
            for scores, text, question in zip(found, texts, asked):
                wanted = looped(pointer, text, question)
                self.assertTrue(torch.allclose(scores[:len(wanted)], torch.tensor(wanted), atol=1e-4))
                self.assertTrue(bool((scores[len(wanted):] == -1e4).all()))


if __name__ == "__main__":
    unittest.main()
