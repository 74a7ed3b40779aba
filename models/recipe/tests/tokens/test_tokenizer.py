"""The tokenizer on awkward text."""

from __future__ import annotations

import unittest

from recipe.config import SPECIALS
from recipe.tests.support import TokensCase


class TokenizerTest(TokensCase):
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


if __name__ == "__main__":
    unittest.main()
