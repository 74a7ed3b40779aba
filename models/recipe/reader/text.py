"""The sources as running text in the reader's tokens: `python -m recipe.reader.text --sources DIR --base DIR --out DIR`.

For the stages that read text: the longer window, memory tokens, anchors. The files are those of recipe.tokens.store. A
document is <filename>path, a line break, its text, <|endoftext|>: the marks that the base's own pretraining used.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Iterator

import numpy as np

from recipe.config import ID, home
from recipe.tokens.encoder import Encoder
from recipe.tokens.store import write_split

# The store's marks by the ids that stand for them in this base's vocabulary.
MARKS = {ID["file"]: "<filename>", ID["eos"]: "<|endoftext|>"}


def documents(sources: Path) -> Iterator[dict]:
    """Records of every repository of a split."""
    for file in sorted(sources.glob("*.documents.jsonl")):
        repo = file.name.removesuffix(".documents.jsonl").replace("+", "/")
        with open(file, encoding="utf-8") as lines:
            for line in lines:
                yield {"repo": repo, **json.loads(line)}


def use_own_marks(file: Path, encode: Encoder) -> None:
    """Replaces the store's marks, which texts never hold, by the base's."""
    ids = np.fromfile(file, dtype=np.uint16)
    replaced = ids.copy()
    for ours, name in MARKS.items():
        theirs = encode.tokenizer.token_to_id(name)
        if theirs is None:
            raise SystemExit(f"the base's vocabulary has no {name}")
        replaced[ids == ours] = theirs
    replaced.tofile(file)


def main(argv: list[str] | None = None) -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--sources", type=Path, default=home() / "reader/sources")
    args.add_argument("--base", type=Path, default=home() / "reader/base")
    args.add_argument("--out", type=Path, default=home() / "reader/text")
    args.add_argument("--limit", type=int, default=28_000_000, help="tokens of a split: a file of 60 MB")
    a = args.parse_args(argv)
    encode = Encoder(a.base)
    for split in ("train", "valid", "test"):
        report = write_split(split, documents(a.sources / split), encode, a.out, a.limit)
        use_own_marks(a.out / f"{split}.ids", encode)
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
