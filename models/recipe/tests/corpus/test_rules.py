"""Rules over names, licences, secrets and languages."""

from __future__ import annotations

import json
import unittest
from pathlib import Path

from recipe.corpus import build, filters
from recipe.corpus.excluded import EVALUATION, refuse_evaluation
from recipe.corpus.languages import documented_functions, header_language, language_of_first_line, language_of_path
from recipe.corpus.splits import split_of
from recipe.tests.corpus.support import GPL, MIT


class RulesTest(unittest.TestCase):
    def test_evaluation_repositories_are_refused_in_any_case(self) -> None:
        for name in (*EVALUATION, "Pallets/Flask", "VSCodium/vscodium", "composer/composer"):
            with self.assertRaises(ValueError, msg=name):
                refuse_evaluation(["tiny/first", name])
        refuse_evaluation(["tiny/first"])
        committed = json.loads((Path(build.__file__).resolve().parent / "repositories.json").read_text())
        refuse_evaluation([entry["repo"] for entry in committed])
        self.assertGreaterEqual(len(committed), 150)
        self.assertEqual(len({entry["repo"].lower() for entry in committed}), len(committed))
        self.assertTrue(
            all(len(entry["commit"]) == 40 and entry["licence"] and entry["languages"] for entry in committed)
        )
        self.assertGreaterEqual(sum(entry["split"] == "test" for entry in committed), 30)

    def test_tokens_of_many_services_are_secrets(self) -> None:
        for token in (
            "AK" + "IA" + "Z7Q4" * 4,
            "AI" + "za" + "a1B2c" * 7,
            "gh" + "p_" + "a1B2" * 9,
            "xo" + "xb-" + "123456789012-abcdefghij",
            "sk" + "_live_" + "a1" * 12,
            "glp" + "at-" + "a1B2" * 5,
            "ey" + "J" + "a1B2" * 5 + ".ey" + "J" + "a1B2" * 5 + "." + "a1B2" * 6,
        ):
            self.assertTrue(filters.has_secret(f"token = '{token}'\n"), token)
        self.assertFalse(
            filters.has_secret("AK" + "IAIOSFODNN7EXAMPLE is the documented example; sk-learn and xox are words")
        )

    def test_licence_expressions(self) -> None:
        for text, answer in (
            ("MIT", True),
            ("Apache-2.0 OR GPL-2.0-or-later", True),
            ("(MIT OR Apache-2.0)", True),
            ("Apache-2.0 WITH LLVM-exception", True),
            ("GPL-2.0-only", False),
            ("MIT AND LGPL-2.1", False),
            ("MPL-2.0", False),
            ("BSD-3-Clause */", True),
        ):
            self.assertEqual(filters.spdx_is_permissive(text), answer, text)
        self.assertEqual(filters.licences_of_text(MIT), ({"MIT"}, False))
        self.assertEqual(filters.licences_of_text(GPL), (set(), True))

    def test_repository_split_is_stable_and_checked(self) -> None:
        names = [{"repo": f"owner/name{number}"} for number in range(400)]
        splits = [split_of(entry, 7) for entry in names]
        self.assertEqual(splits, [split_of(entry, 7) for entry in names])
        self.assertTrue(30 < splits.count("test") < 95 and 4 < splits.count("valid") < 36)
        with self.assertRaises(ValueError):
            split_of({"repo": "a/b", "split": "training"}, 7)

    def test_languages(self) -> None:
        self.assertEqual(
            [language_of_path(path) for path in ("a/b.TSX", "x.h", "Rakefile", "bin/run", "a.json", ".gitignore")],
            ["typescript", "c", "ruby", "?", None, None],
        )
        self.assertEqual(header_language(["a.h", "b.cc", "c.c", "d.cpp"]), "cpp")
        self.assertEqual(language_of_first_line(b"#!/bin/sh -e\n"), "shell")
        self.assertIsNone(language_of_first_line(b"#!/usr/bin/env node\n"))

    def test_documented_functions_by_shape(self) -> None:
        block = "/** Moves it. */\n"
        for language, text, count in (
            ("python", 'def a(x=(1, 2)):\n    """Doc."""\n\ndef b():\n    return 1\n', 1),
            ("typescript", block + "export function move(x: number): void {}\n" + block + "export class Sail {}\n", 1),
            ("java", block + "@Override\npublic int move(int x) {\n", 1),
            ("go", "// Moor ties.\nfunc Moor() {}\n\nfunc other() {}\n", 1),
            ("rust", "/// Doc.\n#[inline]\npub fn a() {}\n/// Doc.\nstruct B;\n", 1),
            ("csharp", "/// <summary>Doc.</summary>\npublic int A(int b)\n", 1),
            ("ruby", "# Doc.\ndef a\nend\ndef b\nend\n", 1),
            ("shell", "# Doc.\nmove() {\n}\n", 1),
            ("c", "/* Doc. */\nint move(int x)\n{\n}\n", 1),
        ):
            self.assertEqual(documented_functions(text, language), count, language)


if __name__ == "__main__":
    unittest.main()
