"""Examples as rows of tokens: `python -m recipe.reader.rows --examples DIR --base DIR --out DIR`.

A row holds trees: a stem (instruction and evidence) and its branches (question and answer), which see the stem and
themselves but not each other, each at the positions that follow the stem. So evidence is read once for several questions,
which are nine tenths of a row otherwise. The loss falls on answers only. Parts of at most 60 MB, compressed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Iterator, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from recipe.config import home
from recipe.model.loss import IGNORE
from recipe.model.masks import KEPT, Layout
from recipe.reader.base import load_tokenizer
from recipe.reader.prompt import END, Block, answer_prefix, gist_prompt, question_part

LENGTH = 1_792  # tokens of a tree at most: up to 1,300 of evidence, and up to ten questions
# Tokens up to which trees share a row. More would cost time: attention is computed between trees too, and then masked.
TOGETHER = 832
PART_ROWS = 20_000  # rows in a file: some 35 MB before compression


class Tree(NamedTuple):
    """Token ids of a stem and of its branches: what is given and what is to be said."""

    stem: list[int]
    branches: list[tuple[list[int], list[int]]]

    @property
    def size(self) -> int:
        return len(self.stem) + sum(len(given) + len(said) for given, said in self.branches)


class Row(NamedTuple):
    """Arrays over the tokens of a row. tree and branch count from 1 and 0 (the stem); said marks answers."""

    ids: np.ndarray
    positions: np.ndarray
    tree: np.ndarray
    branch: np.ndarray
    said: np.ndarray


def answer_tree(example: dict, tokenizer: Tokenizer, length: int = LENGTH) -> Tree | None:
    """A set of evidence as a tree; questions that do not fit are left out, from the end, abstentions kept first."""

    def ids(text: str) -> list[int]:
        return tokenizer.encode(text).ids

    stem = ids(answer_prefix([Block(*b) for b in example["blocks"]]))
    left, branches = length - len(stem), []
    for q in sorted(example["questions"], key=lambda q: not q["absent"]):
        given, said = ids(question_part(q["question"])), ids(q["answer"] + END)
        if len(given) + len(said) <= left:
            branches.append((given, said))
            left -= len(given) + len(said)
    return Tree(stem, branches) if branches else None


def gist_tree(example: dict, tokenizer: Tokenizer, length: int = LENGTH) -> Tree | None:
    stem = tokenizer.encode(gist_prompt(Block(*example["block"]))).ids
    said = tokenizer.encode(example["gist"] + END).ids
    return Tree(stem, [([], said)]) if len(stem) + len(said) <= length else None


def row_of(trees: list[Tree]) -> Row:
    ids, positions, tree, branch, said = [], [], [], [], []
    for t, each in enumerate(trees, 1):
        ids += each.stem
        positions += range(len(each.stem))
        branch += [0] * len(each.stem)
        said += [False] * len(each.stem)
        for b, (given, answer) in enumerate(each.branches, 1):
            n = len(given) + len(answer)
            ids += given + answer
            positions += range(len(each.stem), len(each.stem) + n)
            branch += [b] * n
            said += [False] * len(given) + [True] * len(answer)
        tree += [t] * each.size
    return Row(
        np.array(ids, np.uint16),
        np.array(positions, np.uint16),
        np.array(tree, np.uint8),
        np.array(branch, np.uint8),
        np.array(said, bool),
    )


def packed(trees: Iterator[Tree], length: int = TOGETHER) -> Iterator[Row]:
    """Trees in order, several a row while they fit; a longer tree has a row of its own."""
    held: list[Tree] = []
    for tree in trees:
        if held and sum(t.size for t in held) + tree.size > length:
            yield row_of(held)
            held = []
        held.append(tree)
    if held:
        yield row_of(held)


class Batch(NamedTuple):
    """ids and positions [B, T]; targets [B, T], IGNORE where no loss falls; layout [B, T] for `visible`."""

    ids: Tensor
    positions: Tensor
    targets: Tensor
    layout: Layout

    def to(self, where: torch.device) -> Batch:
        return Batch(*(x.to(where) for x in self[:3]), Layout(*(x.to(where) for x in self.layout)))


def batch(rows: list[Row], multiple: int = 1) -> Batch:
    """Rows side by side, padded to the longest (to a multiple, for compiled graphs). Padding sees itself alone."""
    n = -(-max(len(r.ids) for r in rows) // multiple) * multiple

    def stack(name: str) -> Tensor:
        return torch.stack(
            [torch.from_numpy(np.pad(getattr(r, name).astype(np.int64), (0, n - len(r.ids)))) for r in rows]
        )

    ids, tree, group, said = stack("ids"), stack("tree"), stack("branch"), stack("said")
    targets = torch.full_like(ids, IGNORE)
    # The token before is what says a token: the one at the place before it, but for a branch without a given part.
    targets[:, :-1] = torch.where(said[:, 1:] > 0, ids[:, 1:], targets[:, 1:] * 0 + IGNORE)
    doc = torch.where(tree > 0, tree, 255 + torch.arange(n))
    role = torch.where((group == 0) & (tree > 0), KEPT, 0)
    layout = Layout(doc.int(), torch.zeros_like(doc).int(), group.int(), role.int())
    return Batch(ids, stack("positions"), targets, layout)


def write_parts(rows: Iterator[Row], stem: Path) -> dict[str, int]:
    """STEM-00.npz, STEM-01.npz, ...; what they hold."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    held: list[Row] = []
    totals = {"rows": 0, "tokens": 0, "said": 0}

    def write(part: int) -> None:
        ends = np.cumsum([len(r.ids) for r in held])
        arrays = {name: np.concatenate([getattr(r, name) for r in held]) for name in Row._fields}
        np.savez_compressed(f"{stem}-{part:02d}.npz", ends=ends, **arrays)

    part = 0
    for row in rows:
        held.append(row)
        totals["rows"] += 1
        totals["tokens"] += len(row.ids)
        totals["said"] += int(row.said.sum())
        if len(held) == PART_ROWS:
            write(part)
            part, held = part + 1, []
    if held:
        write(part)
    return totals


def read_parts(stem: Path) -> list[Row]:
    rows: list[Row] = []
    for file in sorted(stem.parent.glob(stem.name + "-*.npz")):
        with np.load(file) as data:
            ends, arrays = data["ends"], [data[name] for name in Row._fields]
        starts = [0, *ends[:-1]]
        rows += [Row(*(array[a:b] for array in arrays)) for a, b in zip(starts, ends)]
    if not rows:
        raise SystemExit(f"no rows at {stem}-*.npz: run recipe.reader.rows first")
    return rows


def read_examples(path: Path) -> list[dict]:
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main(argv: list[str] | None = None) -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--examples", type=Path, default=home() / "reader/examples")
    args.add_argument("--base", type=Path, default=home() / "reader/base")
    args.add_argument("--out", type=Path, default=home() / "reader/rows")
    args.add_argument("--length", type=int, default=LENGTH)
    a = args.parse_args(argv)
    tokenizer = load_tokenizer(a.base)
    for split in ("valid", "train"):
        for kind, make in (("answers", answer_tree), ("gists", gist_tree)):
            trees = (make(e, tokenizer, a.length) for e in read_examples(a.examples / f"{split}-{kind}.jsonl"))
            totals = write_parts(packed((t for t in trees if t), min(TOGETHER, a.length)), a.out / f"{split}-{kind}")
            print(json.dumps({"split": split, "kind": kind, **totals}), flush=True)


if __name__ == "__main__":
    main()
