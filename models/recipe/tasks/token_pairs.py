"""Pairs of question and code as token ids, for the token vectors."""

from __future__ import annotations

import numpy as np
import torch

from recipe.config import ID
from recipe.heads.token_vectors import Texts
from recipe.tasks.functions import Function, documented, repository_chances
from recipe.tokens.encoder import Encoder
from recipe.tokens.words import words


class TokenPairs:
    """Questions and codes of functions. A batch holds functions of one repository together."""

    def __init__(self, functions: list[Function], encode: Encoder, code_tokens: int, text_tokens: int = 48):
        self.functions = functions
        with_summary = set(map(id, documented(functions)))

        def texts(some: list[str], most: int, start: list[int]) -> Texts:
            parts = (encode.batch(some[at : at + 4096]) for at in range(0, len(some), 4096))
            return Texts.of([[*start, *ids[:most]] for part in parts for ids in part])

        query = [ID["query"]]
        names = [" ".join(words(f.name)) for f in functions]
        summaries = [f.hidden(f.summary) if id(f) in with_summary else "" for f in functions]
        self.shown = texts([f.code for f in functions], code_tokens, [])
        self.hidden = texts([f.hidden(f.code) for f in functions], code_tokens, [])
        self.summaries = texts(summaries, text_tokens, query)
        self.names = texts(names, text_tokens, query)
        self.has_summary = np.array([id(f) in with_summary for f in functions])
        # Functions with one number here have the same text, so they are no negatives of each other.
        said = [f.summary if has else f.name for f, has in zip(functions, self.has_summary)]
        self.same_text = np.unique(said, return_inverse=True)[1]
        self.same_name = np.unique(names, return_inverse=True)[1]
        self.by_summary = self._by_repository(np.flatnonzero(self.has_summary))
        self.by_name = self._by_repository(np.flatnonzero([len(words(f.name)) > 1 for f in functions]))

    def _by_repository(self, places: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Places of functions by repository, and the chance of each repository to be drawn."""
        groups: dict[str, list[int]] = {}
        for i in places.tolist():
            groups.setdefault(self.functions[i].repo, []).append(i)
        ordered = [np.array(group) for _, group in sorted(groups.items())]
        return ordered, repository_chances([len(group) for group in ordered])

    def batch(self, rng: np.random.Generator, count: int, together: int, keep: float, named: float):
        """Questions, codes, and a bool matrix [B, B] of the pairs that match.

        together: functions of one repository in a row. keep: chance that a token of the code is seen.
        named: share of batches that ask by the words of the name.
        """
        by_name = rng.random() < named
        groups, chances = self.by_name if by_name else self.by_summary
        drawn = [
            rng.choice(groups[g], min(together, len(groups[g])), replace=False)
            for g in rng.choice(len(groups), max(1, count // together), p=chances)
        ]
        places = np.unique(np.concatenate(drawn))
        codes = self.hidden if by_name or rng.random() < 0.6 else self.shown
        asked, kinds = (self.names, self.same_name) if by_name else (self.summaries, self.same_text)
        same = torch.from_numpy(kinds[places])
        return asked.take(places, rng, max(keep, 0.8)), codes.take(places, rng, keep), same[:, None] == same[None]
