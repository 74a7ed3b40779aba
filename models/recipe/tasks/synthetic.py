"""Synthetic functions, regular enough for a tiny model to learn something from: for tests and the dry run."""

from __future__ import annotations

import random

VERBS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
NOUNS = ["count", "price", "width", "offset", "total", "index", "weight", "score"]


def synthetic(count: int, seed: int = 0) -> list[dict]:
    """`count` records as recipe.tasks.functions reads them, of seven repositories."""
    rng = random.Random(seed)
    found = []
    for i in range(count):
        verb, a, b = rng.choice(list(VERBS)), rng.choice(NOUNS), rng.choice(NOUNS)
        name = f"{verb}_{a}_{b}_{i}"
        record = {"repo": f"made/up-{i % 7}", "path": f"src/{a}.py", "language": "python", "name": name}
        record["doc"] = f"Returns the {a} after it {verb}s the {b} once more."
        record["code"] = f"def {name}({a}, {b}):\n    result = {a} {VERBS[verb]} {b}\n    return result\n"
        found.append({**record, "startLine": 1 + 4 * i, "endLine": 3 + 4 * i})
    return found
