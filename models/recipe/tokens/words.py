"""Words of a text and of its identifiers."""

from __future__ import annotations

import re


def words(text: str) -> list[str]:
    """`getHTTPName` -> get, http, name (by case), lower case."""
    return [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", text)]
