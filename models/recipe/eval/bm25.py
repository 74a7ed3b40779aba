"""BM25 over words and parts of identifiers: the lexical baseline of every learnt figure."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from recipe.tokens.words import words


class BM25:
    def __init__(self, texts: list[str], k1: float = 1.2, b: float = 0.75):
        self.postings: dict[str, list[tuple[int, int]]] = {}
        lengths = []
        for i, text in enumerate(texts):
            counts = Counter(words(text))
            lengths.append(sum(counts.values()))
            for word, n in counts.items():
                self.postings.setdefault(word, []).append((i, n))
        self.count, self.k1 = len(texts), k1
        self.norm = k1 * (1 - b + b * np.array(lengths) / max(1e-9, np.mean(lengths)))

    def scores(self, question: str) -> np.ndarray:
        total = np.zeros(self.count)
        for word in set(words(question)):
            found = self.postings.get(word, [])
            if not found:
                continue
            at, n = np.array(found).T
            idf = math.log(1 + (self.count - len(found) + 0.5) / (len(found) + 0.5))
            total[at] += idf * n * (self.k1 + 1) / (n + self.norm[at])
        return total
