import json
import random
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from recipe.reader.examples import Maker, supported
from recipe.reader.prompt import ABSTENTION, Block
from recipe.reader.units import read_units

CODE = '''LIMIT_ROWS = 30


def read_rows(path, count=10):
    """Read rows of a table file.

    :param count: the number of rows to read
    :raises ValueError: if the count is negative
    """
    if count < 0:
        raise ValueError("count is negative")
    return parse_rows(path)[:count]


def parse_rows(path):
    """Parse the rows of a table file into lists."""
    lines = open_text(path)
    return [line.split(",") for line in lines]


def close_table(path):
    """Close the table file and forget its rows."""
    rows = cached_rows(path)
    rows.clear()
'''


def units():
    lines = CODE.split("\n")
    records = []
    for name, doc, calls in (
        (
            "read_rows",
            "Read rows of a table file.\n\n:param count: the number of rows to read\n:raises ValueError: if the count is negative",
            ["parse_rows"],
        ),
        ("parse_rows", "Parse the rows of a table file into lists.", ["open_text"]),
        ("close_table", "Close the table file and forget its rows.", ["cached_rows"]),
    ):
        start = next(i for i, line in enumerate(lines, 1) if line.startswith(f"def {name}"))
        end = next((i for i in range(start, len(lines)) if not lines[i] and not lines[i - 1]), len(lines))
        code = "\n".join(
            line for line in lines[start - 1 : end] if '"""' not in line and not line.strip().startswith(":")
        )
        records.append(
            {
                "path": "table.py",
                "language": "python",
                "name": name,
                "doc": doc,
                "code": code,
                "startLine": start,
                "endLine": end,
                "calls": calls,
            }
        )
    with tempfile.TemporaryDirectory() as folder:
        stem = Path(folder) / "o+r"
        Path(f"{stem}.documents.jsonl").write_text(
            json.dumps({"path": "table.py", "language": "python", "text": CODE}) + "\n"
        )
        Path(f"{stem}.functions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
        return read_units(stem)


class TestUnits(unittest.TestCase):
    def test_functions_constants_and_their_places(self):
        found = units()
        self.assertEqual([(c.name, c.value, c.line) for c in found.constants], [("LIMIT_ROWS", "30", 1)])
        first = found.functions[0]
        self.assertEqual(
            (first.name, first.defaults, first.statement),
            ("read_rows", {"count": "10"}, "`read_rows` reads rows of a table file."),
        )
        self.assertEqual(CODE.split("\n")[first.shown.first - 1], "def read_rows(path, count=10):")
        self.assertNotIn("Read rows", first.bare.text)


class TestMaker(unittest.TestCase):
    def setUp(self):
        # A small repository: with room for a function or two, the others are what the evidence lacks.
        room = mock.patch("recipe.reader.examples.EVIDENCE", (300,))
        room.start()
        self.addCleanup(room.stop)
        self.sets = Maker(units(), 1).sets(40)

    def test_answers_are_supported_and_hold_their_facts(self):
        kinds = set()
        for example in self.sets:
            evidence = "\n\n".join(Block(*b).shown() for b in example["blocks"])
            for q in example["questions"]:
                if not q["absent"]:
                    kinds.add(q["kind"])
                    self.assertTrue(supported(q["answer"], evidence, 0.4), q)
                    self.assertTrue(all(f in q["answer"] for f in q["facts"]), q)
        self.assertTrue({"where", "purpose", "parameter", "default", "raises"} <= kinds, kinds)

    def test_abstentions_are_as_many_as_asked_for_and_ask_for_what_is_not_there(self):
        asked = [(e, q) for e in self.sets for q in e["questions"]]
        absent = [(e, q) for e, q in asked if q["absent"]]
        self.assertGreater(len(absent), 0.05 * len(asked))
        for example, q in absent:
            self.assertEqual(q["answer"], ABSTENTION)
            evidence = "\n\n".join(Block(*b).shown() for b in example["blocks"])
            if q["kind"] in ("parameter", "default", "raises"):
                self.assertFalse(all(word in evidence for word in q["about"].split()), q)

    def test_the_same_seed_makes_the_same_sets(self):
        random.seed(99)
        self.assertEqual(self.sets, Maker(units(), 1).sets(40))
        self.assertNotEqual(self.sets, Maker(units(), 2).sets(40))


if __name__ == "__main__":
    unittest.main()
