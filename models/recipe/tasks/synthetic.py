"""Synthetic functions for tests and the dry run."""

from __future__ import annotations

import random

# The synthetic functions: enough regularity for a tiny model to learn something from, in a test or a dry run.
_VERBS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_NOUNS = ["count", "price", "width", "offset", "total", "index", "weight", "score"]


def synthetic(count: int, seed: int = 0) -> list[dict]:
    rng = random.Random(seed)
    found = []
    for i in range(count):
        verb, a, b = rng.choice(list(_VERBS)), rng.choice(_NOUNS), rng.choice(_NOUNS)
        name = f"{verb}_{a}_{b}_{i}"
        code = f"def {name}({a}, {b}):\n    result = {a} {_VERBS[verb]} {b}\n    return result\n"
        found.append(
            {
                "repo": f"made/up-{i % 7}",
                "path": f"src/{a}.py",
                "language": "python",
                "name": name,
                "code": code,
                "doc": f"Returns the {a} after it {verb}s the {b} once more.",
                "startLine": 1 + 4 * i,
                "endLine": 3 + 4 * i,
            }
        )
    return found
