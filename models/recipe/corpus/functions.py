"""The corpus's documented functions, as the product's own segmenter sees them:
`python -m recipe.corpus.functions --corpus DIR --cli dist/cli.js --out DIR`.

The files of a repository are laid out in a temporary folder, the product's `segments` command runs there, and its output
goes to OUT/SPLIT/owner+name.jsonl. Repositories that have their file are skipped.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path, PurePosixPath

from recipe.config import home
from recipe.corpus.shards import shard_texts


def inside(folder: Path, path: str) -> Path | None:
    """The place of a corpus file in the folder, or None for a path that would leave it."""
    parts = PurePosixPath(path).parts
    if not parts or any(p in ("..", "/") for p in parts):
        return None
    return folder.joinpath(*parts)


def lay_out(corpus: Path, split: str, folder: Path, wanted: set[str] | None) -> list[str]:
    """Writes the split's files to FOLDER/owner+name/path; returns the names of the repositories."""
    repos: set[str] = set()
    for record in shard_texts(corpus, split):
        repo = record["repo"].replace("/", "+")
        if wanted is not None and repo not in wanted:
            continue
        place = inside(folder / repo, record["path"])
        if place is None:
            continue
        repos.add(repo)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(record["text"], encoding="utf-8")
    return sorted(repos)


def extract(cli: Path, workspace: Path, out: Path) -> int:
    """Runs the segmenter over one repository; returns the number of functions."""
    with tempfile.TemporaryDirectory() as storage:
        done = subprocess.run(
            ["node", str(cli), "functions", "--workspace", str(workspace), "--storage", storage],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
    if done.returncode != 0:
        raise SystemExit(f"{workspace.name}: the segmenter ended with {done.returncode}: {done.stderr[-2000:]}")
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    beside = out.with_suffix(".new")
    beside.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    beside.replace(out)
    return len(lines)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=home() / "corpus")
    parser.add_argument("--cli", type=Path, default=Path(__file__).resolve().parents[3] / "dist/cli.js")
    parser.add_argument("--out", type=Path, default=home() / "functions")
    parser.add_argument("--splits", nargs="+", default=["test", "valid", "train"])
    parser.add_argument("--limit", type=int, default=0, help="repositories per split, 0: all")
    a = parser.parse_args(argv)
    for split in a.splits:
        out = a.out / split
        out.mkdir(parents=True, exist_ok=True)
        names = sorted({r["repo"].replace("/", "+") for r in shard_texts(a.corpus, split)})
        missing = [n for n in names[: a.limit or None] if not (out / f"{n}.jsonl").exists()]
        if not missing:
            continue
        with tempfile.TemporaryDirectory() as folder:
            for repo in lay_out(a.corpus, split, Path(folder), set(missing)):
                count = extract(a.cli, Path(folder) / repo, out / f"{repo}.jsonl")
                print(json.dumps({"split": split, "repo": repo.replace("+", "/"), "functions": count}), flush=True)


if __name__ == "__main__":
    main()
