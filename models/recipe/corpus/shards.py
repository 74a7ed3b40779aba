"""Reads the shards of a corpus."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Iterator


def shard_texts(corpus: Path, split: str = "train") -> Iterator[dict]:
    """Records {repo, commit, path, language, text} of all shards of a split, in file order."""
    for shard in shards(corpus, split):
        with gzip.open(shard, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def shards(corpus: Path, split: str) -> list[Path]:
    found = sorted((corpus / split).glob("*.jsonl.gz")) or sorted(corpus.glob(f"{split}*.jsonl.gz"))
    if not found:
        raise SystemExit(f"no {split} shards (*.jsonl.gz) under {corpus}")
    return found
