"""The corpus on three tiny repositories: every filter, the duplicates, the splits, the refusal of evaluation repositories."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np

from recipe.corpus import build as corpus
from recipe.corpus import dedupe, filters, pin
from recipe.corpus.excluded import EVALUATION, refuse_evaluation
from recipe.corpus.languages import documented_functions, header_language, language_of_first_line, language_of_path

MIT = "MIT License\n\nPermission is hereby granted, free of charge, to any person\nobtaining a copy of this software, to deal in it.\n"
GPL = "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n" * 3
WORDS = (
    "harbour anchor vessel keel rudder sail mast deck cabin galley compass chart tide current wind storm crew captain pilot "
    "cargo ballast bow stern port starboard hull rope knot buoy lantern"
).split()


def prose(seed: int, count: int = 120) -> str:
    """English-like text that differs for each seed."""
    chosen = np.random.default_rng(seed).choice(WORDS, count)
    return "The story of the " + ",\n".join(" ".join(chosen[start : start + 8]) for start in range(0, count, 8)) + ".\n"


def python_file(seed: int, functions: int = 6) -> str:
    """A small documented Python module that differs for each seed."""
    words = np.random.default_rng(seed).choice(WORDS, (functions, 8))
    return "\n\n".join(
        f'def {row[0]}_{row[1]}_{seed}(value, {row[2]}=1):\n    """Moves the {row[3]} to the {row[4]} and the {row[5]}."""\n'
        f"    {row[6]} = value + {row[2]}\n    return {row[6]} * {seed + index}\n"
        for index, row in enumerate(words)
    )


def remarks(seed: int) -> str:
    """prose() as comment lines of C, Go and Rust."""
    return "".join(f"// {line}\n" for line in prose(seed).splitlines())


def make_repository(mirror: Path, name: str, commits: list[tuple[str, dict[str, str | bytes]]]) -> str:
    """A bare clone "owner+name" with one commit per (subject, files); gives the last commit's name."""
    environment = {
        **os.environ,
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.com",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
    }

    def git(*arguments: str, cwd: Path) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=cwd, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        git("init", "-q", "-b", "main", cwd=folder)
        for subject, files in commits:
            for path, content in files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
            git("add", "-A", "-f", cwd=folder)
            git("commit", "-q", "-m", subject, cwd=folder)
        git("clone", "-q", "--bare", str(folder), str(mirror / name.replace("/", "+")), cwd=mirror)
        return git("rev-parse", "HEAD", cwd=folder)


class CorpusOfTinyRepositories(unittest.TestCase):
    """One corpus is built once; the tests look at what it holds."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = Path(cls.folder.name)
        cls.mirror = cls.root / "mirror"
        cls.mirror.mkdir()
        shared = python_file(1, 20)
        cls.benchmark = (
            "def settle_account_balance(ledger, amount, currency, when):\n    entry = ledger.open(currency).locate(when)\n"
            "    entry.subtract(amount)\n    ledger.flush(entry)\n    return entry.remaining - ledger.reserve(currency)\n"
        )
        key = "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "A1b2" * 16 + "\n-----END RSA " + "PRIVATE KEY-----\n"
        cls.dropped = {
            "vendor/lib/util.py": "vendored",
            "node_modules/x/index.js": "vendored",
            "dist/app.js": "built or generated path",
            "src/app.min.js": "built or generated path",
            "src/api.pb.go": "built or generated path",
            "src/made.py": "generated",
            "src/wide.js": "line length",
            "src/table.py": "data rather than prose or code",
            "src/latin1.py": "not UTF-8 text",
            "src/copyleft.c": "licence header",
            "src/keys.py": "secret",
            "big.py": "over 400 kB",
            "tests/fixtures/a.py": "fixture",
            "CHANGELOG.md": "change log or list",
            "docs/ja/guide.md": "translation",
            "docs/leitfaden.md": "not English",
            "parts/other/tool.py": "nested licence",
            "parts/other/LICENSE": "nested licence",
            "src/pool.py": "benchmark function",
        }
        first = {
            "LICENSE": MIT,
            "README.md": "# Harbour\n\n" + prose(2),
            "src/main.py": python_file(3),
            "src/shared.py": shared,
            "src/same.py": "\n" + shared.replace("\n\n\n", "  \n\n\n\n"),
            "run": '#!/usr/bin/env bash\n# Starts the harbour.\nstart_harbour() {\n  echo "open the port"\n}\nstart_harbour "$@"\n',
            "vendor/lib/util.py": python_file(4),
            "node_modules/x/index.js": prose(5),
            "dist/app.js": prose(6),
            "src/app.min.js": prose(7),
            "src/api.pb.go": prose(8),
            "src/made.py": "# @" + "generated by a tool\n" + python_file(9),
            "src/wide.js": "const harbour = [" + ", ".join(f"'{word}'" for word in WORDS * 8) + "];\n" + prose(10),
            "src/table.py": "TABLE = [\n"
            + "\n".join(f"  {n * 7919}, {n * 104729}, {n * 1299709}," for n in range(1, 60))
            + "\n]\n",
            "src/latin1.py": ("# café\n" + python_file(11)).encode("latin-1"),
            "src/copyleft.c": "/* This is free software under the GNU " + "General Public License. */\n" + prose(12),
            "src/keys.py": f'KEY = """\n{key}"""\n' + python_file(13),
            "big.py": python_file(14, 10) * 400,
            "tests/fixtures/a.py": python_file(15),
            "CHANGELOG.md": prose(16),
            "docs/ja/guide.md": prose(17),
            "docs/leitfaden.md": "Der Hafen und die Anker. Das Schiff ist nicht von der Insel mit einer Ladung. " * 6,
            "parts/other/LICENSE": GPL,
            "parts/other/tool.py": python_file(18),
            "src/pool.py": python_file(19, 2) + "\n\n" + cls.benchmark,
        }
        second = {
            "LICENSE": MIT,
            "lib/near.py": shared.replace("captain", "skipper") + "\n\nEXTRA = 'one more line'\n",
            "lib/own.go": "package own\n\n// Moor ties a vessel to the quay.\n"
            'func Moor(vessel string) string {\n\treturn "moored " + vessel\n}\n\n' + remarks(20),
            "lib/point.h": "/// The distance of the vessel from the buoy.\nint distance(int vessel, int buoy);\n"
            + remarks(21),
            "lib/point.cpp": "int distance(int vessel, int buoy) { return vessel - buoy; }\n" + remarks(22),
        }
        third = {
            "LICENSE": "Apache License\nVersion 2.0, January 2004\n",
            "main.rs": "/// Raises the anchor of the vessel.\npub fn raise(vessel: u32) -> u32 {\n    vessel + 1\n}\n"
            + remarks(23),
        }
        closed = {"LICENSE": GPL, "main.py": python_file(24)}
        main, readme = python_file(3), "# Harbour\n\n" + prose(25)
        cls.commits = {
            "tiny/first": make_repository(
                cls.mirror,
                "tiny/first",
                [
                    ("Open the harbour for the vessels", first),
                    ("Let the pilot choose the main anchor", {"src/main.py": main + "\n\nPILOT = 1\n"}),
                    ("Bump version to 1.2.3 again", {"src/main.py": main + "\n\nPILOT = 2\n"}),
                    ("Tie the \x02 loose \x01 ends", {"README.md": readme}),
                ],
            ),
            "tiny/second": make_repository(cls.mirror, "tiny/second", [("Add the quay and its functions", second)]),
            "tiny/third": make_repository(cls.mirror, "tiny/third", [("Raise the anchor when asked to", third)]),
            "tiny/closed": make_repository(cls.mirror, "tiny/closed", [("All of it", closed)]),
        }
        splits = {"tiny/first": "test", "tiny/second": "train", "tiny/third": "valid", "tiny/closed": "train"}
        cls.list = cls.root / "repositories.json"
        cls.list.write_text(
            json.dumps(
                [{"repo": name, "commit": commit, "split": splits[name]} for name, commit in cls.commits.items()]
            )
        )
        cls.protect = cls.root / "pool.json"
        cls.protect.write_text(json.dumps({cls.benchmark: 0}))
        cls.out = cls.root / "out"
        cls.build(cls.out)
        cls.stats = json.loads((cls.out / "stats.json").read_text())
        cls.rows = {
            split: [
                json.loads(line)
                for path in sorted(cls.out.glob(f"{split}*.jsonl.gz"))
                for line in gzip.open(path, "rt")
            ]
            for split in ("train", "valid", "test")
        }

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    @classmethod
    def build(cls, out: Path) -> str:
        """Runs the command on the tiny mirror; gives what it printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            assert (
                corpus.main(
                    [
                        "--repositories",
                        str(cls.list),
                        "--mirror",
                        str(cls.mirror),
                        "--out",
                        str(out),
                        "--protect",
                        str(cls.protect),
                    ]
                )
                == 0
            )
        return printed.getvalue()

    def paths(self, split: str) -> set[str]:
        return {row["path"] for row in self.rows[split]}

    def test_keeps_sources_documents_and_scripts_with_their_text(self) -> None:
        languages = {row["path"]: row["language"] for split in self.rows.values() for row in split}
        self.assertEqual(languages.pop("src/shared.py", None) or languages.pop("src/same.py"), "python")
        self.assertEqual(
            languages,
            {
                "README.md": "markdown",
                "src/main.py": "python",
                "run": "shell",
                "lib/own.go": "go",
                "lib/point.h": "cpp",
                "lib/point.cpp": "cpp",
                "main.rs": "rust",
            },
        )
        row = next(row for row in self.rows["test"] if row["path"] == "src/main.py")
        self.assertEqual(
            (row["repo"], row["commit"], row["text"]),
            ("tiny/first", self.commits["tiny/first"], python_file(3) + "\n\nPILOT = 2\n"),
        )

    def test_each_rule_drops_its_own_file(self) -> None:
        kept = set().union(*(self.paths(split) for split in self.rows))
        self.assertEqual(kept & set(self.dropped), set())
        for reason in set(self.dropped.values()):
            self.assertEqual(
                self.stats["drops"].get(reason), sum(value == reason for value in self.dropped.values()), reason
            )

    def test_one_of_two_equal_files_stays(self) -> None:
        self.assertEqual(len(self.paths("test") & {"src/shared.py", "src/same.py"}), 1)
        self.assertEqual(self.stats["drops"]["exact duplicate"], 1)

    def test_near_duplicate_stays_only_in_the_split_that_measures(self) -> None:
        self.assertEqual(self.stats["drops"]["near duplicate"], 1)
        self.assertNotIn("lib/near.py", self.paths("train"))

    def test_splits_are_by_repository_and_closed_licences_stay_out(self) -> None:
        self.assertEqual(
            {split: {row["repo"] for row in rows} for split, rows in self.rows.items()},
            {"train": {"tiny/second"}, "valid": {"tiny/third"}, "test": {"tiny/first"}},
        )
        self.assertEqual(self.stats["drops"]["repository licence"], 1)

    def test_commit_subjects_lead_to_kept_files(self) -> None:
        rows = [json.loads(line) for line in gzip.open(self.out / "commits-test.jsonl.gz", "rt")]
        self.assertEqual(
            {row["subject"]: row["paths"] for row in rows},
            {"Let the pilot choose the main anchor": ["src/main.py"], "Tie the \x02 loose \x01 ends": ["README.md"]},
        )

    def test_a_second_run_does_nothing_and_a_fresh_one_gives_the_same_bytes(self) -> None:
        before = {path.name: path.read_bytes() for path in self.out.glob("*.gz")}
        self.assertIn("already complete", self.build(self.out))
        again = self.root / "again"
        self.build(again)
        self.assertEqual(before, {path.name: path.read_bytes() for path in again.glob("*.gz")})
        self.assertGreaterEqual(len(before), 6)

    def test_an_interrupted_run_goes_on_from_what_is_staged(self) -> None:
        before = {path.name: path.read_bytes() for path in self.out.glob("*.gz")}
        staged = {path: path.stat().st_mtime_ns for path in (self.out / "stage").glob("*.npz")}
        (self.out / "DONE").unlink()
        (self.out / "test.jsonl.gz").unlink()
        (self.out / "stage" / "tiny+third.json").unlink()
        self.build(self.out)
        self.assertEqual(before, {path.name: path.read_bytes() for path in self.out.glob("*.gz")})
        again = {path: path.stat().st_mtime_ns for path in staged}
        self.assertEqual({path.name for path in staged if staged[path] != again[path]}, {"tiny+third.npz"})

    def test_counts_agree_with_the_rows(self) -> None:
        for split, rows in self.rows.items():
            table = self.stats["splits"][split]
            self.assertEqual(table["files"], len(rows))
            self.assertEqual(table["bytes"], sum(len(row["text"].encode()) for row in rows))
        self.assertEqual(self.stats["splits"]["test"]["languages"]["python"]["documented_functions"], 26)

    def test_pinning_lists_only_acceptable_repositories(self) -> None:
        names, listed = self.root / "names.txt", self.root / "pinned.json"
        names.write_text("tiny/first test\ntiny/closed\ntiny/absent\npallets/flask\ntiny/second\n")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            pin.main([str(names), "--mirror", str(self.mirror), "--repositories", str(listed)])
        entries = {entry["repo"]: entry for entry in json.loads(listed.read_text())}
        self.assertEqual(
            {name: entry["split"] for name, entry in entries.items()}, {"tiny/first": "test", "tiny/second": "train"}
        )
        self.assertEqual(
            (entries["tiny/first"]["licence"], entries["tiny/first"]["commit"]), ("MIT", self.commits["tiny/first"])
        )
        for part in (
            "tiny/closed: no permissive licence",
            "tiny/absent: not in the mirror",
            "pallets/flask: measures the model",
        ):
            self.assertIn(part, printed.getvalue())


class Rules(unittest.TestCase):
    def test_evaluation_repositories_are_refused_in_any_case(self) -> None:
        for name in (*EVALUATION, "Pallets/Flask", "VSCodium/vscodium", "composer/composer"):
            with self.assertRaises(ValueError, msg=name):
                refuse_evaluation(["tiny/first", name])
        refuse_evaluation(["tiny/first"])
        committed = json.loads((Path(corpus.__file__).resolve().parent / "repositories.json").read_text())
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
        splits = [corpus.split_of(entry, 7) for entry in names]
        self.assertEqual(splits, [corpus.split_of(entry, 7) for entry in names])
        self.assertTrue(30 < splits.count("test") < 95 and 4 < splits.count("valid") < 36)
        with self.assertRaises(ValueError):
            corpus.split_of({"repo": "a/b", "split": "training"}, 7)

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


class Duplicates(unittest.TestCase):
    def setUp(self) -> None:
        self.hasher = dedupe.Hasher()

    def test_equal_words_have_equal_hashes_wherever_they_stand(self) -> None:
        first, second = self.hasher.tokens("anchor the Vessel"), self.hasher.tokens("\n  vessel+anchor")
        self.assertEqual((first[0], first[2]), (second[1], second[0]))
        self.assertEqual(len(set(first.tolist())), 3)

    def test_signatures_estimate_jaccard_similarity(self) -> None:
        text = " ".join(np.random.default_rng(1).choice(WORDS, 3000))
        words = text.split()
        for keep in (3000, 2700, 1500):
            first, second = self.hasher.shingles(text), self.hasher.shingles(" ".join(words[:keep]))
            jaccard = np.intersect1d(first, second).size / np.union1d(first, second).size
            estimate = (self.hasher.signature(first) == self.hasher.signature(second)).mean()
            self.assertAlmostEqual(estimate, jaccard, delta=0.13)

    def test_the_earlier_of_two_similar_files_stays(self) -> None:
        base = [python_file(seed, 30) for seed in (1, 2, 3)]
        texts = [
            base[0],
            base[1],
            base[0] + "\nX = 1\n",
            base[2],
            base[1].replace("return", "return ", 3) + "\nY = 2\n",
            "",
            "",
        ]
        signatures = np.stack([self.hasher.signature(self.hasher.shingles(text)) for text in texts])
        self.assertEqual(dedupe.near_duplicates(signatures).tolist(), [False, False, True, False, True, False, False])


if __name__ == "__main__":
    unittest.main()
