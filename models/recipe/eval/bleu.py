"""BLEU of one sentence."""

from __future__ import annotations

import math
from collections import Counter


def bleu(candidate: list[str], reference: list[str]) -> float:
    """Sentence BLEU-4, 0 to 100. Orders above 1 have add-one smoothing, as in CodeBERT's evaluation."""
    if not candidate:
        return 0.0
    total = 0.0
    for n in range(1, 5):
        grams = [Counter(tuple(x[i : i + n]) for i in range(len(x) - n + 1)) for x in (candidate, reference)]
        hit, count = sum((grams[0] & grams[1]).values()), sum(grams[0].values())
        if n == 1 and hit == 0:
            return 0.0
        total += math.log((hit + (n > 1)) / (count + (n > 1))) if count + (n > 1) else 0.0
    return 100 * math.exp(total / 4 + min(0.0, 1 - len(reference) / len(candidate)))
