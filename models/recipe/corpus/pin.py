"""Adds repositories of the mirror to repositories.json, pinned to their current commit, with licence, languages and split.

    python -m recipe.corpus.pin --mirror DIR NAMES.txt

NAMES.txt has one repository a line: "owner/name" for training, "owner/name test" or "owner/name valid". Entries that are
listed already stay as they are, so splits never change under a model. Repositories that the model is measured on, and
those without a permissive licence at their root, are left out and named.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from recipe.corpus import git
from recipe.corpus.excluded import excluded_repositories
from recipe.corpus.filters import drop_reason_of_path
from recipe.corpus.languages import header_language, language_of_path
from recipe.corpus.repository import repository_licences


def pin(repository: str, directory: Path, split: str) -> dict | str:
    """The entry of one repository, or the reason why it has none."""
    commit = git.head_commit(directory)
    entries = git.tree(directory, commit)
    licences, permissive, _ = repository_licences(directory, entries)
    if not permissive:
        return f"no permissive licence at the root (found {licences or 'none'})"
    header = header_language([entry.path for entry in entries])
    sizes: Counter = Counter()
    for entry in entries:
        language = header if entry.path.endswith(".h") else language_of_path(entry.path)
        if language and language != "?" and drop_reason_of_path(entry.path, entry.size) is None:
            sizes[language] += entry.size
    total = sum(sizes.values())
    if not total:
        return "no source"
    languages = [language for language, size in sizes.most_common(4) if size >= 0.05 * total]
    return {
        "repo": repository,
        "commit": commit,
        "licence": ", ".join(licences),
        "languages": languages,
        "split": split,
    }


def main(argv: list[str] | None = None) -> int:
    """Reads the command line, rewrites the list; 0 always."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", type=Path, help="text file of owner/name lines")
    parser.add_argument("--mirror", type=Path, required=True, help="folder of bare clones named owner+name")
    parser.add_argument("--repositories", type=Path, default=Path(__file__).resolve().parent / "repositories.json")
    arguments = parser.parse_args(argv)
    listed = json.loads(arguments.repositories.read_text()) if arguments.repositories.exists() else []
    known = {entry["repo"].lower() for entry in listed}
    refused = excluded_repositories()
    for line in arguments.names.read_text().splitlines():
        repository, _, split = line.strip().partition(" ")
        if not repository or repository.lower() in known:
            continue
        known.add(repository.lower())
        directory = git.git_directory(arguments.mirror, repository)
        if repository.lower() in refused:
            entry: dict | str = "measures the model"
        elif directory is None:
            entry = "not in the mirror"
        else:
            entry = pin(repository, directory, split or "train")
        if isinstance(entry, str):
            print(f"left out: {repository}: {entry}")
        else:
            listed.append(entry)
    listed.sort(key=lambda entry: entry["repo"].lower())
    rows = ",\n".join(json.dumps(entry) for entry in listed)
    arguments.repositories.write_text(f"[\n{rows}\n]\n")
    print(f"{len(listed)} repositories")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
