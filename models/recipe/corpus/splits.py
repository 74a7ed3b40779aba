"""The splits of the corpus. They are by repository, so no repository is in two of them."""

from __future__ import annotations

from recipe.corpus.repository import seeded

SPLITS = ("test", "valid", "train")
"""In order of preference: of two equal files in two splits, the one that the model is measured on stays."""
TEST_PERCENT, VALID_PERCENT = 15, 4


def split_of(entry: dict, seed: int) -> str:
    """The split of one entry of repositories.json: its own "split", else a seeded hash of its name."""
    if entry.get("split"):
        if entry["split"] not in SPLITS:
            raise ValueError(f"{entry['repo']}: unknown split {entry['split']!r}")
        return entry["split"]
    place = seeded(seed, "split", entry["repo"]) % 100
    return "test" if place < TEST_PERCENT else "valid" if place < TEST_PERCENT + VALID_PERCENT else "train"
