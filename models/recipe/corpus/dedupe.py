"""Exact and near duplicates: normalised hashes, MinHash signatures over token shingles, LSH banding (numpy only).

A file's tokens are its runs of letters, digits and underscores, lower-cased; a shingle is SHINGLE consecutive tokens.
The Jaccard similarity of two files' shingle sets is estimated by the share of equal values in their signatures.
"""

from __future__ import annotations

import hashlib

import numpy as np

SHINGLE = 5
PERMUTATIONS = 128
BANDS = 16
"""16 bands of 8 rows: a pair at Jaccard .8 meets in some band with probability .95, a pair at .5 with .06."""

LETTERS = np.zeros(256, dtype=bool)
for characters in (
    b"abcdefghijklmnopqrstuvwxyz",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"0123456789_",
    bytes(range(128, 256)),
):
    LETTERS[list(characters)] = True
LOWER = np.arange(256, dtype=np.uint64)
LOWER[65:91] += 32

BASE = 0x9E3779B97F4A7C15 | 1
BASE_INVERSE = pow(BASE, -1, 1 << 64)
SHINGLE_BASE = 0xC2B2AE3D27D4EB4F | 1


def exact_key(text: str) -> bytes:
    """sha256 (32 bytes) of the text with trailing blanks, blank lines and line ends normalised."""
    lines = [line.rstrip() for line in text.splitlines()]
    return hashlib.sha256("\n".join(line for line in lines if line).encode()).digest()


def powers(base: int, count: int) -> np.ndarray:
    """base**0 .. base**(count-1) modulo 2**64: uint64 [count]."""
    steps = np.full(max(count, 1), base % (1 << 64), dtype=np.uint64)
    steps[0] = 1
    return np.multiply.accumulate(steps, dtype=np.uint64)[:count]


def mix(values: np.ndarray) -> np.ndarray:
    """A bijective scrambling of uint64 values (the finaliser of splitmix64), so that nearby values part."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


class Hasher:
    """Token, shingle and MinHash values. It keeps tables of powers, grown to the longest text seen."""

    def __init__(self, seed: int = 7) -> None:
        self.forward = powers(BASE, 1 << 16)
        self.backward = powers(BASE_INVERSE, 1 << 16)
        generator = np.random.default_rng(seed)
        self.factors = generator.integers(1, 1 << 63, PERMUTATIONS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        self.offsets = generator.integers(0, 1 << 63, PERMUTATIONS, dtype=np.uint64)

    def tokens(self, text: str) -> np.ndarray:
        """One uint64 hash per token, in order: uint64 [tokens]. Equal words have equal hashes wherever they stand."""
        raw = np.frombuffer(text.encode(), dtype=np.uint8)
        if not raw.size:
            return np.zeros(0, dtype=np.uint64)
        if raw.size > self.forward.size:
            self.forward, self.backward = powers(BASE, raw.size), powers(BASE_INVERSE, raw.size)
        inside = LETTERS[raw]
        edges = np.diff(np.concatenate(([0], inside.view(np.int8), [0])))
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        sums = np.concatenate(
            (np.zeros(1, np.uint64), np.cumsum((LOWER[raw] + np.uint64(1)) * self.forward[: raw.size], dtype=np.uint64))
        )
        return mix((sums[ends] - sums[starts]) * self.backward[starts])

    def shingles(self, text: str) -> np.ndarray:
        """The distinct shingle hashes of a text, sorted: uint64 [shingles]; empty for a text under SHINGLE tokens."""
        tokens = self.tokens(text)
        count = tokens.size - SHINGLE + 1
        if count <= 0:
            return np.zeros(0, dtype=np.uint64)
        total = np.zeros(count, dtype=np.uint64)
        for offset, factor in enumerate(powers(SHINGLE_BASE, SHINGLE)):
            total += tokens[offset : offset + count] * factor
        return np.unique(mix(total))

    def signature(self, shingles: np.ndarray) -> np.ndarray:
        """The MinHash signature of a shingle set: uint32 [PERMUTATIONS]; all zero bits set for an empty set."""
        if not shingles.size:
            return np.full(PERMUTATIONS, 0xFFFFFFFF, dtype=np.uint32)
        lowest = np.empty(PERMUTATIONS, dtype=np.uint64)
        for index in range(PERMUTATIONS):
            lowest[index] = (shingles * self.factors[index] + self.offsets[index]).min()
        return (lowest >> np.uint64(32)).astype(np.uint32)


def near_duplicates(signatures: np.ndarray, threshold: float = 0.8, look_back: int = 12) -> np.ndarray:
    """Which rows repeat an earlier row that is kept: bool [files] from uint32 [files, PERMUTATIONS].

    Rows are in order of preference: of two similar files the earlier one stays. Within a crowded bucket a row is compared
    with the first row and with the `look_back` rows before it, so the work stays linear in the number of files.
    """
    files = len(signatures)
    drop = np.zeros(files, dtype=bool)
    if files < 2:
        return drop
    rows = PERMUTATIONS // BANDS
    usable = np.flatnonzero(signatures.min(axis=1) != 0xFFFFFFFF)
    weights = powers(BASE, rows)
    found = []
    for band in range(BANDS):
        part = signatures[usable, band * rows : (band + 1) * rows].astype(np.uint64) + np.uint64(1)
        keys = mix((part * weights).sum(axis=1, dtype=np.uint64))
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        new_bucket = np.concatenate(([True], ordered[1:] != ordered[:-1]))
        first = np.maximum.accumulate(np.where(new_bucket, np.arange(ordered.size), 0))
        for back in range(look_back + 1):
            other = first if back == 0 else np.arange(ordered.size) - back
            valid = np.flatnonzero((other >= first) & (other < np.arange(ordered.size)))
            found.append(np.stack((usable[order[valid]], usable[order[other[valid]]]), axis=1))
    pairs = np.unique(np.concatenate(found), axis=0)
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    for start in range(0, len(pairs), 65536):
        block = pairs[start : start + 65536]
        similar = (signatures[block[:, 0]] == signatures[block[:, 1]]).mean(axis=1) >= threshold
        for later, earlier in block[similar]:
            if not drop[earlier]:
                drop[later] = True
    return drop


class Protected:
    """Finds texts that contain a function of a benchmark, which must never be learnt."""

    def __init__(self, hasher: Hasher, functions: list[str], share: float = 0.7, minimum: int = 10) -> None:
        """`functions` are source texts; one counts as contained when `share` of its shingles (at least `minimum`) occur."""
        self.hasher, self.share = hasher, share
        sets = [shingles for shingles in map(hasher.shingles, functions) if shingles.size >= minimum]
        self.sizes = np.array([shingles.size for shingles in sets], dtype=np.int64)
        owners = np.repeat(np.arange(len(sets)), self.sizes) if sets else np.zeros(0, dtype=np.int64)
        values = np.concatenate(sets) if sets else np.zeros(0, dtype=np.uint64)
        self.values, counts = np.unique(values, return_counts=True)
        self.owners = owners[np.argsort(values, kind="stable")]
        self.ends = np.cumsum(counts)

    def contained(self, shingles: np.ndarray) -> int:
        """How many protected functions a text with these shingles contains."""
        if not self.values.size or not shingles.size:
            return 0
        at = np.minimum(np.searchsorted(self.values, shingles), self.values.size - 1)
        hits = at[self.values[at] == shingles]
        if not hits.size:
            return 0
        starts = np.where(hits > 0, self.ends[hits - 1], 0)
        owners = np.concatenate([self.owners[start:end] for start, end in zip(starts, self.ends[hits])])
        counts = np.bincount(owners, minlength=self.sizes.size)
        return int((counts >= self.share * self.sizes).sum())
