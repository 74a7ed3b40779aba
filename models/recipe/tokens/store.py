"""Tokens on disk: `python -m recipe.tokens.store --corpus DIR --tokenizer DIR --out DIR`.

    SPLIT.ids          uint16, all documents end to end
    SPLIT.docs.npy     int64 [n+1], where each document starts
    SPLIT.anchors.npy  int64, an anchor belongs before the token at this offset
    SPLIT.meta.jsonl   repo, path, language of each document

A document is <|file|>path, a line break, its text, <|eos|>. Ids are stored without anchors. The rows insert them on the
fly (tokens/rows.py), so one file serves training with and without them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Iterator

import numpy as np

from recipe.config import ID, home
from recipe.corpus.shards import shard_texts
from recipe.tokens.anchors import anchor_cuts
from recipe.tokens.encoder import Encoder


def batched(records: Iterator[dict], size: int) -> Iterator[list[dict]]:
    some: list[dict] = []
    for record in records:
        some.append(record)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def write_split(split: str, records: Iterator[dict], encode: Encoder, out: Path, limit: int = 0) -> dict:
    """Writes one split and returns its counts. limit: tokens after which it ends; 0 is no limit.

    Documents are in order of repository and path. Neighbours in the file are then neighbours in a workspace, which chains of
    segments and long contexts need. Ids wait in memory, 2 bytes a token.
    """
    out.mkdir(parents=True, exist_ok=True)
    found: list[tuple[str, str, str, np.ndarray]] = []
    total = 0
    for some in batched(records, 256):
        heads = encode.batch([r["path"] + "\n" for r in some])
        for record, head, body in zip(some, heads, encode.batch([r["text"] for r in some])):
            ids = np.array([ID["file"], *head, *body, ID["eos"]], dtype=np.uint16)
            found.append((record.get("repo", ""), record["path"], record["language"], ids))
            total += len(ids)
        if limit and total >= limit:
            break
    found.sort(key=lambda f: f[:2])
    docs, anchors, languages, at = [0], [np.zeros(0, np.int64)], {}, 0
    with open(out / f"{split}.ids", "wb") as ids_file, open(out / f"{split}.meta.jsonl", "w") as meta:
        for repo, path, language, ids in found:
            anchors.append(np.array(anchor_cuts(ids, encode.newline), dtype=np.int64) + at)
            ids.tofile(ids_file)
            at += len(ids)
            docs.append(at)
            meta.write(json.dumps({"repo": repo, "path": path, "language": language}) + "\n")
            languages[language] = languages.get(language, 0) + len(ids)
    cuts = np.concatenate(anchors)
    np.save(out / f"{split}.docs.npy", np.array(docs, dtype=np.int64))
    np.save(out / f"{split}.anchors.npy", cuts)
    return {
        "split": split,
        "documents": len(found),
        "tokens": at,
        "anchors": len(cuts),
        "tokens_per_anchor": round(at / max(1, len(cuts)), 2),
        "languages": languages,
    }


class Tokens:
    """A split of the token files, memory-mapped."""

    def __init__(self, folder: Path, split: str):
        self.ids = np.memmap(folder / f"{split}.ids", dtype=np.uint16, mode="r")
        self.docs = np.load(folder / f"{split}.docs.npy")
        self.anchors = np.load(folder / f"{split}.anchors.npy")
        self.count = len(self.docs) - 1
        self._meta = folder / f"{split}.meta.jsonl"

    def counts(self, vocab: int, some: int = 4_000_000) -> np.ndarray:
        """Counts of each token among the first `some`, int64 [vocab]."""
        return np.bincount(self.ids[:some], minlength=vocab)

    def place(self, rng: np.random.Generator, size: int) -> int:
        """A random offset that more than `size` tokens follow, as far as there are so many."""
        return int(rng.integers(0, max(1, len(self.ids) - size - 1)))

    def text(self, start: int, size: int) -> np.ndarray:
        """A copy of `size` ids from an offset on, int64."""
        return np.asarray(self.ids[start : start + size]).astype(np.int64)

    def repositories(self) -> list[str]:
        """The repository of each document."""
        with open(self._meta) as lines:
            return [json.loads(line)["repo"] for line in lines]

    def cuts(self, start: int, end: int) -> np.ndarray:
        """Anchor offsets p with start < p <= end, relative to start. The anchor at `end` closes the piece."""
        a = np.searchsorted(self.anchors, start, side="right")
        b = np.searchsorted(self.anchors, end, side="right")
        return self.anchors[a:b] - start


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=home() / "corpus")
    parser.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    parser.add_argument("--out", type=Path, default=home() / "tokens")
    parser.add_argument("--splits", nargs="+", default=["train", "valid", "test"])
    parser.add_argument("--limit", type=int, default=0, help="tokens per split, 0: all")
    a = parser.parse_args(argv)
    encode = Encoder(a.tokenizer)
    for split in a.splits:
        report = write_split(split, shard_texts(a.corpus, split), encode, a.out, a.limit)
        print(json.dumps(report), flush=True)
    (a.out / "DONE").write_text("")


if __name__ == "__main__":
    main()
