"""Words of a text and of its identifiers."""

from __future__ import annotations

import re


def words(text: str) -> list[str]:
    """Words in lower case; identifiers are cut by case: `getHTTPName` -> get, http, name."""
    return [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", text)]
