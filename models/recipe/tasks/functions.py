"""Documented functions: reading them, hiding their names, drawing batches of them.

A file has one JSON object a line, {repo?, path, language, name, doc, code, startLine, endLine}, as the product's `segments`
command prints them. `doc` has no comment marks, `code` no doc comment. A folder has one file a repository,
owner+name.jsonl, as recipe.corpus.functions writes them; the file's name is the repository.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

HIDDEN = "_"  # stands where a name was
# The rest of a doc comment is about parameters: `@param`, `:return:`, `Args:`.
PARAMETERS = re.compile(r"(?:^|\s)(?:@[a-z]|:(?:param|return|type|raise)|Args:|Arguments:|Parameters\b|Returns:)")
NO_SUMMARY = re.compile(
    r"^(TODO|FIXME|@|Copyright|eslint|TypeScript|See |Deprecated|Auto-?generated)|https?:|inheritdoc", re.IGNORECASE
)


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
        text = re.sub(r"\s+", " ", PARAMETERS.split(self.doc)[0].strip().split("\n\n")[0])
        end = re.search(r"(?<=[a-z0-9)`\"'])[.!?](?= [A-Z`]|$)", text)
        return text[: end.end()] if end else text

    def hidden(self, text: str) -> str:
        """`text` without the function's name."""
        return re.sub(r"(?<![A-Za-z0-9_])" + re.escape(self.name) + r"(?![A-Za-z0-9_])", HIDDEN, text)


KINDS = {field.name: {"str": str, "int": int}[str(field.type)] for field in fields(Function)}


def read(path: Path) -> list[Function]:
    """All functions of a jsonl (or jsonl.gz) file, or of a folder of them. A malformed line ends the command by name."""
    if path.is_dir():
        return [f for file in sorted(path.glob("*.jsonl*")) for f in read(file)]
    found = []
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            record = {"repo": path.name.split(".jsonl")[0].replace("+", "/"), **json.loads(line)}
            for key, kind in KINDS.items():
                if not isinstance(record.get(key), kind):
                    raise SystemExit(f"{path}:{number}: `{key}` should be {kind.__name__}, is {record.get(key)!r}")
            found.append(Function(**{key: record[key] for key in KINDS}))
    return found


def documented(functions: list[Function], words: int = 4) -> list[Function]:
    """Functions with a usable summary: `words` to 40 words, mostly ASCII, no marker of something else."""

    def usable(f: Function) -> bool:
        summary = f.summary
        length = words <= len(summary.split()) <= 40
        ascii_share = sum(c.isascii() for c in summary) > 0.95 * len(summary)
        return length and ascii_share and not NO_SUMMARY.search(summary) and "\n" in f.code

    return [f for f in functions if usable(f)]


def split(functions: list[Function], share: float = 0.1) -> tuple[list[Function], list[Function]]:
    """Training and held-out functions, split by repository, the same at every call."""

    def place(repo: str) -> float:
        return int(hashlib.sha256(repo.encode()).hexdigest()[:8], 16) / 2**32

    return [f for f in functions if place(f.repo) >= share], [f for f in functions if place(f.repo) < share]


def repository_chances(sizes: list[int]) -> np.ndarray:
    """Chance of each repository to be drawn. Flattened: a huge repository should not be half of what is seen."""
    flat = np.array(sizes, dtype=float) ** 0.7
    return flat / max(1e-9, flat.sum())


class FunctionSampler:
    """Batches in which functions of one repository come together: they are each other's hard negatives."""

    def __init__(self, functions: list[Function], seed: int):
        if not functions:
            raise SystemExit("no documented functions to train on")
        self.by_repo: dict[str, list[Function]] = {}
        for f in functions:
            self.by_repo.setdefault(f.repo, []).append(f)
        self.repos = sorted(self.by_repo)
        self.chances = repository_chances([len(self.by_repo[repo]) for repo in self.repos])
        self.seed = seed

    def batch(self, step: int, count: int, together: int = 4) -> list[Function]:
        """Up to `count` functions, in rows of `together` of one repository. No two have the same summary."""
        rng = np.random.default_rng((self.seed, step))
        found: dict[tuple, Function] = {}
        for _ in range(count * 4):
            some = self.by_repo[self.repos[rng.choice(len(self.repos), p=self.chances)]]
            for i in rng.choice(len(some), min(together, len(some)), replace=False):
                found.setdefault((some[i].repo, some[i].summary), some[i])
            if len(found) >= count:
                break
        return list(found.values())[:count]
