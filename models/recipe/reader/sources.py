"""Files and documented functions of repositories at their pinned commits:
`python -m recipe.reader.sources --mirror DIR --cli dist/cli.js --out DIR`.

Takes those of repositories.json whose bare clone is in the mirror, never one that measures the model. Writes
OUT/SPLIT/owner+name.documents.jsonl (path, language, text) and OUT/SPLIT/owner+name.functions.jsonl (the product's own
segmenter: path, language, name, doc, code, lines, calls). Repositories that have both files are not done again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from recipe.config import home
from recipe.corpus import excluded
from recipe.corpus.filters import decode, drop_reason_of_path, drop_reason_of_text, is_test
from recipe.corpus.functions import extract, inside
from recipe.corpus.git import git, git_directory, read_blobs, tree
from recipe.corpus.languages import language_of_path

REPOSITORIES = Path(excluded.__file__).resolve().parent / "repositories.json"
FILES, BYTES = 500, 5_000_000  # at most, of one repository: none may outweigh the rest


def has_commit(directory: Path, commit: str) -> bool:
    try:
        git(directory, "cat-file", "-e", commit + "^{tree}")
        return True
    except subprocess.CalledProcessError:
        return False


def documents(directory: Path, commit: str) -> list[dict]:
    """Readable source and documentation files of a commit, tests left out."""
    wanted = []
    for entry in tree(directory, commit):
        language = language_of_path(entry.path)
        if language and not is_test(entry.path) and not drop_reason_of_path(entry.path, entry.size):
            wanted.append(entry)
    found, size = [], 0
    for entry, content in read_blobs(directory, wanted):
        text = decode(content)
        language = language_of_path(entry.path)
        if text is None or language is None or drop_reason_of_text(text, language):
            continue
        found.append({"path": entry.path, "language": language, "text": text})
        size += len(content)
        if len(found) >= FILES or size >= BYTES:
            break
    return found


def write_lines(path: Path, records: list[dict]) -> None:
    beside = path.with_suffix(".new")
    beside.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    beside.replace(path)


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--mirror", type=Path, required=True, help="folder of bare clones named owner+name")
    args.add_argument("--cli", type=Path, default=Path(__file__).resolve().parents[3] / "dist/cli.js")
    args.add_argument("--out", type=Path, default=home() / "reader/sources")
    args.add_argument("--only", nargs="*", help="owner/name of the repositories to take; default: all in the mirror")
    a = args.parse_args()
    refused = excluded.excluded_repositories()
    for pinned in json.loads(REPOSITORIES.read_text()):
        repo, directory = pinned["repo"], git_directory(a.mirror, pinned["repo"])
        if directory is None or repo.lower() in refused or (a.only and repo not in a.only):
            continue
        stem = a.out / pinned["split"] / repo.replace("/", "+")
        texts, functions = (Path(f"{stem}.{kind}.jsonl") for kind in ("documents", "functions"))
        if texts.exists() and functions.exists():
            continue
        if not has_commit(directory, pinned["commit"]):
            print(json.dumps({"repo": repo, "skipped": "the clone lacks the pinned commit"}), flush=True)
            continue
        stem.parent.mkdir(parents=True, exist_ok=True)
        found = documents(directory, pinned["commit"])
        write_lines(texts, found)
        with tempfile.TemporaryDirectory() as folder:
            for record in found:
                place = inside(Path(folder), record["path"])
                if place is not None:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_text(record["text"], encoding="utf-8")
            count = extract(a.cli, Path(folder), functions)
        print(json.dumps({"repo": repo, "split": pinned["split"], "files": len(found), "functions": count}), flush=True)


if __name__ == "__main__":
    main()
