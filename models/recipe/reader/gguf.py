"""Weights, shape and tokenizer of a GGUF file, as Hugging Face's layout has them.

The format: a header (magic, version, counts), metadata as typed key-value pairs, a table of tensors, then their data,
each at an aligned offset. Shapes are stored innermost first. Source: ggml's specification of GGUF, version 3.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
F32, F16, Q4_0, Q4_1, Q8_0, Q6_K = 0, 1, 2, 3, 8, 14
# Weights in a block and its bytes, by type.
BLOCKS = {F32: (1, 4), F16: (1, 2), Q4_0: (32, 18), Q4_1: (32, 20), Q8_0: (32, 34), Q6_K: (256, 210)}


class TensorEntry(NamedTuple):
    """A row of the tensor table. shape is outermost first; offset counts from the file's start, in bytes."""

    shape: tuple[int, ...]
    kind: int
    offset: int


class Gguf:
    """An open GGUF file: `metadata` by key and `tensors` by name."""

    def __init__(self, path: Path):
        self.path = path
        with open(path, "rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.at = 0
        if self.data[:4] != b"GGUF":
            raise ValueError(f"{path} is no GGUF file: it does not begin with the letters GGUF")
        self.at = 4
        version = self._scalar("I")
        if version not in (2, 3):
            raise ValueError(f"{path} is GGUF of version {version}; versions 2 and 3 can be read")
        tensors, pairs = self._scalar("Q"), self._scalar("Q")
        self.metadata: dict[str, Any] = {}
        for _ in range(pairs):
            key = self._string()
            self.metadata[key] = self._value(self._scalar("I"))
        table = {}
        for _ in range(tensors):
            name = self._string()
            shape = tuple(self._scalar("Q") for _ in range(self._scalar("I")))[::-1]
            table[name] = (shape, self._scalar("I"), self._scalar("Q"))
        alignment = int(self.metadata.get("general.alignment", 32))
        start = -(-self.at // alignment) * alignment
        self.tensors = {name: TensorEntry(shape, kind, start + offset) for name, (shape, kind, offset) in table.items()}

    def tensor(self, name: str) -> np.ndarray:
        """One tensor in f32, dequantized; raises KeyError for a name the file lacks."""
        shape, kind, offset = self.tensors[name]
        if kind not in BLOCKS:
            raise ValueError(f"{self.path}: {name} is of GGUF type {kind}, which cannot be read here")
        count = int(np.prod(shape))
        size, width = BLOCKS[kind]
        raw = np.frombuffer(self.data, np.uint8, count // size * width, offset)
        return dequantize(raw, kind).reshape(shape)

    def _scalar(self, code: str) -> Any:
        size = struct.calcsize("<" + code)
        (value,) = struct.unpack_from("<" + code, self.data, self.at)
        self.at += size
        return value

    def _string(self) -> str:
        length = self._scalar("Q")
        text = self.data[self.at : self.at + length].decode("utf-8", "replace")
        self.at += length
        return text

    def _value(self, kind: int) -> Any:
        if kind == STRING:
            return self._string()
        if kind != ARRAY:
            return self._scalar(SCALARS[kind])
        inner, count = self._scalar("I"), self._scalar("Q")
        if inner in SCALARS and inner != 7:
            values = np.frombuffer(self.data, "<" + SCALARS[inner], count, self.at)
            self.at += values.nbytes
            return values.tolist()
        return [self._value(inner) for _ in range(count)]


def dequantize(raw: np.ndarray, kind: int) -> np.ndarray:
    """Bytes of whole blocks -> f32 weights [n]. Block layouts are ggml's."""
    size, width = BLOCKS[kind]
    if kind == F32:
        return raw.view("<f4").copy()
    if kind == F16:
        return raw.view("<f2").astype(np.float32)
    blocks = raw.reshape(-1, width)

    def halves(first: int) -> np.ndarray:
        return blocks[:, first : first + 2].copy().view("<f2").astype(np.float32)

    def nibbles(first: int, last: int) -> np.ndarray:
        packed = blocks[:, first:last]
        return np.concatenate([packed & 15, packed >> 4], 1).astype(np.float32)

    if kind == Q4_0:
        weights = (nibbles(2, 18) - 8) * halves(0)
    elif kind == Q4_1:
        weights = nibbles(4, 20) * halves(0) + halves(2)
    elif kind == Q8_0:
        weights = blocks[:, 2:].view(np.int8).astype(np.float32) * halves(0)
    else:
        weights = _six_bits(blocks) * halves(208)
    return weights.reshape(-1)


def _six_bits(blocks: np.ndarray) -> np.ndarray:
    """Q6_K without its outer scale: 4 low bits, 2 high bits, and a signed scale for every 16 weights."""
    low, high = blocks[:, :128].reshape(-1, 2, 64), blocks[:, 128:192].reshape(-1, 2, 32)
    scales = blocks[:, 192:208].view(np.int8).astype(np.float32).repeat(16, 1)
    quarters = [
        (low[:, :, :32] & 15) | ((high & 3) << 4),
        (low[:, :, 32:] & 15) | (((high >> 2) & 3) << 4),
        (low[:, :, :32] >> 4) | (((high >> 4) & 3) << 4),
        (low[:, :, 32:] >> 4) | (((high >> 6) & 3) << 4),
    ]
    return (np.concatenate(quarters, 2).reshape(len(blocks), 256).astype(np.float32) - 32) * scales
