import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from recipe.checkpoint import load_model
from recipe.reader.gguf import Q4_0, Q4_1, Q6_K, Q8_0, Gguf, dequantize
from recipe.tests.reader.support import F32, ReaderCase, write_gguf


def halves(*values: float) -> bytes:
    return np.array(values, "<f2").tobytes()


class TestDequantize(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(5)

    def test_four_bits(self):
        packed = self.rng.integers(0, 256, 16, dtype=np.uint8)
        codes = [int(b) & 15 for b in packed] + [int(b) >> 4 for b in packed]
        for kind, head, expected in (
            (Q4_0, halves(0.5), [(q - 8) * 0.5 for q in codes]),
            (Q4_1, halves(0.25, -1.5), [q * 0.25 - 1.5 for q in codes]),
        ):
            got = dequantize(np.frombuffer(head + packed.tobytes(), np.uint8), kind)
            np.testing.assert_allclose(got, expected)

    def test_eight_bits(self):
        codes = self.rng.integers(-128, 128, 32).astype(np.int8)
        got = dequantize(np.frombuffer(halves(0.125) + codes.tobytes(), np.uint8), Q8_0)
        np.testing.assert_allclose(got, codes * 0.125)

    def test_six_bits(self):
        codes = self.rng.integers(0, 64, 256)
        scales = self.rng.integers(-100, 100, 16).astype(np.int8)
        low, high = np.zeros(128, np.uint8), np.zeros(64, np.uint8)
        for i, code in enumerate(codes):  # weight i: half i // 128, quarter within it, lane i % 32
            half, quarter, lane = i // 128, i % 128 // 32, i % 32
            low[half * 64 + quarter % 2 * 32 + lane] |= (code & 15) << (4 * (quarter // 2))
            high[half * 32 + lane] |= (code >> 4) << (2 * quarter)
        raw = np.frombuffer(low.tobytes() + high.tobytes() + scales.tobytes() + halves(0.5), np.uint8)
        expected = [(code - 32) * float(scales[i // 16]) * 0.5 for i, code in enumerate(codes)]
        np.testing.assert_allclose(dequantize(raw, Q6_K), expected)


class TestBase(ReaderCase):
    def test_the_folder_holds_the_model_that_the_file_was_made_of(self):
        got = load_model(self.at / "base")
        for name, value in self.model.state_dict().items():
            self.assertTrue(torch.equal(got.state_dict()[name], value), name)

    def test_the_tokenizer_keeps_texts_and_matches_marks_whole(self):
        text = "def add_12(left):\n    return left + 7"
        ids = self.tokenizer.encode(text).ids
        self.assertEqual(self.tokenizer.decode(ids), text)
        digits = [self.tokenizer.decode([i]) for i in ids if any(c.isdigit() for c in self.tokenizer.decode([i]))]
        self.assertEqual(digits, ["1", "2", "7"])
        self.assertEqual(self.tokenizer.encode("<|im_start|>").ids, [1])

    def test_a_file_of_another_kind_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.gguf"
            path.write_bytes(b"GGML" + bytes(64))
            with self.assertRaisesRegex(ValueError, "no GGUF file"):
                Gguf(path)
            write_gguf(
                path, {"general.architecture": "qwen2"}, {"a": ((32,), 99, bytes(32)), "b": ((1,), F32, bytes(4))}
            )
            with self.assertRaisesRegex(ValueError, "type 99"):
                Gguf(path).tensor("a")


if __name__ == "__main__":
    unittest.main()
