"""One repository's share of the corpus: its files after every rule that needs no other repository.

The result is kept in a folder ("stage"), so a later run reads it back instead of reading the repository again:
`owner+name.jsonl.gz` (one kept file a line), `owner+name.npz` (signatures uint32 [files, 128]), `owner+name.json` (the rest).
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipe.corpus import dedupe, filters, git, languages
from recipe.corpus.dedupe import Hasher, Protected
from recipe.corpus.languages import DOCUMENTATION

HISTORY = 3000
"""Commits of each repository that are searched for subjects, at most."""
DOCUMENTATION_SHARE = 0.3
"""The largest share of documentation in one repository's kept bytes, unless it is a documentation repository."""
TEST_SHARE = 0.3
"""The largest share of tests in the cap of one repository."""


class LicenceRefused(Exception):
    """A repository's own licence is not permissive."""


@dataclass
class Staged:
    """The contribution of one repository. `files` lists {path, language, bytes, exact, documented} as in the text file."""

    repository: str
    commit: str
    files: list[dict]
    signatures: np.ndarray
    commits: list[dict]
    drops: Counter
    licences: list[str]
    text_file: Path


def seeded(*parts: object) -> int:
    """A reproducible 64-bit number from any values: the order in which files are preferred, placed and shuffled."""
    return int.from_bytes(hashlib.sha256("\0".join(map(str, parts)).encode()).digest()[:8], "big")


def source_key() -> str:
    """A hash of the code that decides which files are staged: editing a rule makes every staged repository stale."""
    digest = hashlib.sha256()
    for module in (dedupe, filters, git, languages):
        digest.update(Path(module.__file__).read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


def repository_licences(directory: Path, entries: list[git.TreeEntry]) -> tuple[list[str], bool, list[str]]:
    """The permissive licences at a repository's root, whether the root is acceptable, and the folders under other licences."""
    found = [entry for entry in entries if filters.is_licence_file(entry.path) and entry.size < 200_000]
    names_at_root: set[str] = set()
    refused = False
    closed = []
    for entry, content in git.read_blobs(directory, found[:400]):
        names, other = filters.licences_of_text(content.decode("utf-8", "replace"))
        folder, _, _ = entry.path.rpartition("/")
        if not folder or folder.lower() in ("licenses", "license", ".github"):
            names_at_root |= names
            refused |= other and not names and not filters.LICENCES_OF_OTHERS.search(entry.path)
        elif other or not names:
            closed.append(folder + "/")
    return sorted(names_at_root), bool(names_at_root) and not refused, closed


def candidates(entries: list[git.TreeEntry], closed: list[str], drops: Counter) -> list[tuple[git.TreeEntry, str]]:
    """The entries worth reading, with their language ("?" where the first line decides)."""
    header = languages.header_language([entry.path for entry in entries])
    kept = []
    for entry in entries:
        language = languages.language_of_path(entry.path)
        if language is None or (language == "?" and entry.size > 60_000):
            drops["not source or documentation"] += 1
            continue
        reason = filters.drop_reason_of_path(entry.path, entry.size)
        if reason is None and any(entry.path.startswith(folder) for folder in closed):
            reason = "nested licence"
        if reason:
            drops[reason] += 1
            continue
        kept.append((entry, header if entry.path.endswith(".h") else language))
    return kept


def stage_repository(
    repository: str,
    commit: str,
    directory: Path,
    stage: Path,
    hasher: Hasher,
    protected: Protected,
    cap_bytes: int,
    key: str,
) -> Staged:
    """Reads, filters and caps one repository's files, or loads them when the stage already holds this very result.

    Preference under the cap: sources before tests, then a seeded order; documentation and tests take at most their shares.
    Raises LicenceRefused when the repository's own licence is not permissive.
    """
    base = stage / repository.replace("/", "+")
    text_file, meta_file, array_file = (base.parent / (base.name + ending) for ending in (".jsonl.gz", ".json", ".npz"))
    key = hashlib.sha256(f"{key} {commit} {cap_bytes}".encode()).hexdigest()
    if meta_file.exists():
        meta = json.loads(meta_file.read_text())
        if meta["key"] == key:
            return Staged(
                repository,
                commit,
                meta["files"],
                np.load(array_file)["signatures"],
                meta["commits"],
                Counter(meta["drops"]),
                meta["licences"],
                text_file,
            )
        meta_file.unlink()
    stage.mkdir(parents=True, exist_ok=True)
    drops: Counter = Counter()
    entries = git.tree(directory, commit)
    licences, permissive, closed = repository_licences(directory, entries)
    if not permissive:
        raise LicenceRefused(f"{repository}: no permissive licence at the root (found {licences or 'none'})")
    wanted = candidates(entries, closed, drops)
    wanted.sort(key=lambda item: (filters.is_test(item[0].path), seeded(repository, item[0].path)))
    language_of = {entry.path: language for entry, language in wanted}
    code_bytes = sum(entry.size for entry, language in wanted if language not in DOCUMENTATION)
    documentation_cap = cap_bytes if code_bytes < 100_000 else int(DOCUMENTATION_SHARE * cap_bytes)
    limits = {"all": cap_bytes, "tests": int(TEST_SHARE * cap_bytes), "documentation": documentation_cap}
    taken = dict.fromkeys(limits, 0)
    files, signatures = [], []
    with gzip.open(text_file, "wt", encoding="utf-8", compresslevel=4) as output:
        for entry, content in git.read_blobs(directory, [entry for entry, _ in wanted]):
            language = language_of[entry.path]
            if language == "?":
                language = languages.language_of_first_line(content)
                if language is None:
                    drops["not source or documentation"] += 1
                    continue
            groups = ["all", *["tests"] * filters.is_test(entry.path), *["documentation"] * (language in DOCUMENTATION)]
            if any(taken[group] + entry.size > limits[group] for group in groups):
                drops["repository cap"] += 1
                continue
            text = filters.decode(content)
            if not text or not text.strip():
                drops["nearly empty" if text is not None else "not UTF-8 text"] += 1
                continue
            reason = filters.drop_reason_of_text(text, language)
            if reason:
                drops[reason] += 1
                continue
            shingles = hasher.shingles(text)
            if language == "python" and protected.contained(shingles):
                drops["benchmark function"] += 1
                continue
            size = len(text.encode())
            for group in groups:
                taken[group] += size
            signatures.append(hasher.signature(shingles))
            files.append(
                {
                    "path": entry.path,
                    "language": language,
                    "bytes": size,
                    "exact": dedupe.exact_key(text).hex(),
                    "documented": languages.documented_functions(text, language),
                }
            )
            output.write(
                json.dumps(
                    {"repo": repository, "commit": commit, "path": entry.path, "language": language, "text": text},
                    ensure_ascii=False,
                )
                + "\n"
            )
    table = np.stack(signatures) if signatures else np.zeros((0, dedupe.PERMUTATIONS), dtype=np.uint32)
    commits = [
        {"commit": one.oid, "subject": one.subject, "paths": list(one.paths)}
        for one in git.history(directory, commit, HISTORY)
        if one.subject and 0 < len(one.paths) <= 40
    ]
    np.savez_compressed(array_file, signatures=table)
    meta_file.write_text(
        json.dumps({"key": key, "files": files, "commits": commits, "drops": drops, "licences": licences})
    )
    return Staged(repository, commit, files, table, commits, drops, licences, text_file)
