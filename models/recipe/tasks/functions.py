"""Functions for the tasks stage: reading them, hiding names, building prompts.

Input: one JSON object a line, {repo?, path, language, name, doc, code, startLine, endLine, calls?}, as the project's own
segmenter prints them (`segments` command). `doc` has no comment marks, `code` no doc comment. A folder holds a file for each
repository, owner+name.jsonl, as functions.py writes them; there the file's name is the repository.
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FIELDS = {
    "repo": str,
    "path": str,
    "language": str,
    "name": str,
    "doc": str,
    "code": str,
    "startLine": int,
    "endLine": int,
}
HIDDEN = "_"  # what stands where a name was


@dataclass(frozen=True)
class Function:
    repo: str
    path: str
    language: str
    name: str
    doc: str
    code: str
    startLine: int
    endLine: int

    @property
    def summary(self) -> str:
        """The doc comment's first sentence, on one line."""
        # What follows in a doc comment is about parameters: `@param`, `:return:`, `Args:`.
        text = re.split(
            r"(?:^|\s)(?:@[a-z]|:(?:param|return|type|raise)|Args:|Arguments:|Parameters\b|Returns:)", self.doc
        )[0]
        text = re.sub(r"\s+", " ", text.strip().split("\n\n")[0])
        end = re.search(r"(?<=[a-z0-9)`\"'])[.!?](?= [A-Z`]|$)", text)
        return text[: end.end()] if end else text

    def hidden(self, text: str) -> str:
        """`text` without the function's name."""
        plain = r"(?<![A-Za-z0-9_])" + re.escape(self.name) + r"(?![A-Za-z0-9_])"
        return re.sub(plain, HIDDEN, text)


def read(path: Path) -> list[Function]:
    """All functions of a jsonl (or jsonl.gz) file, or of a folder of them. A malformed line names itself and ends the stage."""
    if path.is_dir():
        return [f for one in sorted(path.glob("*.jsonl*")) for f in read(one)]
    found = []
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            record = {"repo": path.name.split(".jsonl")[0].replace("+", "/"), **json.loads(line)}
            for key, kind in FIELDS.items():
                if not isinstance(record.get(key), kind):
                    raise SystemExit(f"{path}:{number}: `{key}` should be {kind.__name__}, is {record.get(key)!r}")
            found.append(Function(**{key: record[key] for key in FIELDS}))
    return found


def documented(functions: list[Function], words: int = 4) -> list[Function]:
    """Those with a summary that says something: long enough, Latin letters, no marker of something else."""
    bad = re.compile(
        r"^(TODO|FIXME|@|Copyright|eslint|TypeScript|See |Deprecated|Auto-?generated)|https?:|inheritdoc", re.I
    )
    return [
        f
        for f in functions
        if words <= len(f.summary.split()) <= 40
        and not bad.search(f.summary)
        and f.code.count("\n") >= 1
        and sum(c.isascii() for c in f.summary) > 0.95 * len(f.summary)
    ]


def split(functions: list[Function], share: float = 0.1) -> tuple[list[Function], list[Function]]:
    """Training and held-out functions, by repository, the same at every call."""
    import hashlib

    def place(repo: str) -> float:
        return int(hashlib.sha256(repo.encode()).hexdigest()[:8], 16) / 2**32

    return [f for f in functions if place(f.repo) >= share], [f for f in functions if place(f.repo) < share]


class Draw:
    """Batches in which functions of one repository come together: they are each other's hard negatives."""

    def __init__(self, functions: list[Function], seed: int):
        if not functions:
            raise SystemExit("no documented functions to train on")
        self.by_repo: dict[str, list[Function]] = {}
        for f in functions:
            self.by_repo.setdefault(f.repo, []).append(f)
        self.repos = sorted(self.by_repo)
        sizes = np.array([len(self.by_repo[r]) for r in self.repos], dtype=float)
        self.chances = (
            sizes**0.7 / (sizes**0.7).sum()
        )  # flattened: a huge repository should not be half of what is seen
        self.seed = seed

    def batch(self, step: int, count: int, together: int = 4) -> list[Function]:
        rng = np.random.default_rng((self.seed, step))
        found: dict[tuple, Function] = {}
        for _ in range(count * 4):
            some = self.by_repo[self.repos[rng.choice(len(self.repos), p=self.chances)]]
            for i in rng.choice(len(some), min(together, len(some)), replace=False):
                found.setdefault((some[i].repo, some[i].summary), some[i])  # two with one text cannot be told apart
            if len(found) >= count:
                break
        return list(found.values())[:count]
