"""Commit subjects paired with a function they changed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from recipe.tasks.functions import Function
from recipe.tokens.words import words


def commit_pairs(path: Path, functions: list[Function]) -> list[tuple[str, Function]]:
    """Commit subjects and a function of a file they changed: the one that shares most words with the subject, at least one.

    Input: one commit a line, {repo, commit, subject, paths}. What shares no word is left out: the change was elsewhere.
    """
    by_file: dict[tuple[str, str], list[Function]] = {}
    for f in functions:
        by_file.setdefault((f.repo, f.path), []).append(f)
    known: dict[Function, set[str]] = {}

    def said(f: Function) -> set[str]:
        if f not in known:  # a file is changed by many commits
            known[f] = set(words(f"{f.name} {f.summary} {f.code}"))
        return known[f]

    found = []
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            commit = json.loads(line)
            subject = {w for w in words(commit["subject"]) if len(w) > 3}
            near = [f for one in commit["paths"] for f in by_file.get((commit["repo"], one), [])]
            if not near or not subject:
                continue
            shared = [len(subject & said(f)) for f in near]
            if max(shared) > 0:
                found.append((commit["subject"], near[int(np.argmax(shared))]))
    return found
