"""Writes the kept files and commits of the corpus into shards."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np

from recipe.corpus.repository import Staged, seeded
from recipe.corpus.splits import SPLITS

COMMITS_PER_REPOSITORY = 600
ROUTINE_SUBJECT = re.compile(
    r"^(?:merge|bump|release|version|update (?:dependenc|changelog|readme|version)|v?\d+\.\d+|revert|wip|fixup|squash|prepare|typo"
    r"|chore\(deps|build\(deps)",
    re.IGNORECASE,
)


class ShardWriter:
    """Writes lines into shards in seeded order: first scattered to unsorted parts, then each part shuffled and packed."""

    def __init__(self, out: Path, names: list[str], seed: int) -> None:
        self.out, self.names, self.seed = out, names, seed
        self.parts = [open(out / f"{name}.part", "wb") for name in names]

    def add(self, identity: str, line: bytes) -> None:
        """Puts one JSON line where its identity's seeded number sends it."""
        place = seeded(self.seed, "place", identity)
        self.parts[place % len(self.parts)].write(b"%020d " % place + line + b"\n")

    def finish(self) -> None:
        """Sorts every part by its seeded number, writes NAME.jsonl.gz, removes the part."""
        for name, part in zip(self.names, self.parts):
            part.close()
            path = self.out / f"{name}.part"
            lines = sorted(path.read_bytes().split(b"\n")[:-1])
            with (
                open(self.out / f"{name}.jsonl.gz.tmp", "wb") as raw,
                gzip.GzipFile("", "wb", 5, raw, mtime=0) as packed,
            ):
                for line in lines:
                    packed.write(line[21:] + b"\n")
            (self.out / f"{name}.jsonl.gz.tmp").replace(self.out / f"{name}.jsonl.gz")
            path.unlink()


def write_files(
    staged: list[tuple[str, Staged]], keep: list[np.ndarray], out: Path, seed: int, shard_mb: float
) -> list[str]:
    """Writes the kept files of every split; gives the names of the written shards."""
    total = sum(
        file["bytes"]
        for (split, one), kept in zip(staged, keep)
        if split == "train"
        for file, stays in zip(one.files, kept)
        if stays
    )
    count = max(1, round(total / (shard_mb * 1e6)))
    writers = {
        "train": ShardWriter(out, [f"train-{index:04d}" for index in range(count)], seed),
        "valid": ShardWriter(out, ["valid"], seed),
        "test": ShardWriter(out, ["test"], seed),
    }
    for (split, one), kept in zip(staged, keep):
        with gzip.open(one.text_file, "rb") as lines:
            for file, stays, line in zip(one.files, kept, lines):
                if stays:
                    writers[split].add(f"{one.repository}/{file['path']}", line.rstrip(b"\n"))
    for writer in writers.values():
        writer.finish()
    return [name for writer in writers.values() for name in writer.names]


def write_commits(staged: list[tuple[str, Staged]], keep: list[np.ndarray], out: Path, seed: int) -> Counter:
    """Writes commit subjects with the kept files they touched (1 to 8 of them); gives pairs per split."""
    written: Counter = Counter()
    writers = {split: ShardWriter(out, [f"commits-{split}"], seed) for split in SPLITS}
    for (split, one), kept in zip(staged, keep):
        paths = {file["path"] for file, stays in zip(one.files, kept) if stays}
        taken = 0
        for commit in one.commits:
            touched = [path for path in commit["paths"] if path in paths]
            subject = re.sub(r"\s*\(#\d+\)$|\s*\[(?:ci skip|skip ci)\]", "", commit["subject"])
            if not 1 <= len(touched) <= 8 or len(touched) < 0.5 * len(commit["paths"]):
                continue
            if not 12 <= len(subject) <= 160 or len(subject.split()) < 3 or ROUTINE_SUBJECT.match(subject):
                continue
            line = json.dumps(
                {"repo": one.repository, "commit": commit["commit"], "subject": subject, "paths": touched},
                ensure_ascii=False,
            )
            writers[split].add(f"{one.repository}@{commit['commit']}", line.encode())
            taken += 1
            if taken == COMMITS_PER_REPOSITORY:
                break
        written[split] += taken
    for writer in writers.values():
        writer.finish()
    return written
