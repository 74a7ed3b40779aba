"""Commit subjects paired with a function they changed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from recipe.tasks.functions import Function
from recipe.tokens.words import words


def commit_pairs(path: Path, functions: list[Function]) -> list[tuple[str, Function]]:
    """(subject, function): of the files a commit changed, the function that shares most words with the subject.

    The file has one commit a line, {repo, commit, subject, paths}. A commit whose subject shares no word with any function
    is left out: the change was elsewhere.
    """
    by_file: dict[tuple[str, str], list[Function]] = {}
    for f in functions:
        by_file.setdefault((f.repo, f.path), []).append(f)
    known: dict[Function, set[str]] = {}  # a file is changed by many commits

    def words_of(f: Function) -> set[str]:
        if f not in known:
            known[f] = set(words(f"{f.name} {f.summary} {f.code}"))
        return known[f]

    found = []
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            commit = json.loads(line)
            subject = {word for word in words(commit["subject"]) if len(word) > 3}
            changed = [f for file in commit["paths"] for f in by_file.get((commit["repo"], file), [])]
            if not changed or not subject:
                continue
            shared = [len(subject & words_of(f)) for f in changed]
            if max(shared) > 0:
                found.append((commit["subject"], changed[int(np.argmax(shared))]))
    return found
