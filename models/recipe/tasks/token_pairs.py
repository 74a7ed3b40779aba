"""Pairs of question and code as token ids."""

from __future__ import annotations

import numpy as np
import torch

from recipe.config import ID
from recipe.heads.token_vectors import Texts
from recipe.tasks.functions import Function, documented
from recipe.tokens.encoder import Encoder
from recipe.tokens.words import words


class Pairs:
    """Questions and codes as token ids, and batches of them in which a repository's functions stand together."""

    def __init__(self, functions: list[Function], encode: Encoder, code_tokens: int, text_tokens: int = 48):
        self.functions = functions
        says = set(map(id, documented(functions)))

        def texts(some: list[str], most: int, start: list[int]) -> Texts:
            return Texts.of(
                [[*start, *ids[:most]] for k in range(0, len(some), 4096) for ids in encode.batch(some[k : k + 4096])]
            )

        query = [ID["query"]]
        self.shown = texts([f.code for f in functions], code_tokens, [])
        self.hidden = texts([f.hidden(f.code) for f in functions], code_tokens, [])
        self.summaries = texts([f.hidden(f.summary) if id(f) in says else "" for f in functions], text_tokens, query)
        self.names = texts([" ".join(words(f.name)) for f in functions], text_tokens, query)
        self.says = np.array([id(f) in says for f in functions])
        self.same_text = np.unique(
            [f.summary if s else f.name for f, s in zip(functions, self.says)], return_inverse=True
        )[1]
        self.same_name = np.unique([" ".join(words(f.name)) for f in functions], return_inverse=True)[1]
        self.with_doc = self._by_repo(np.flatnonzero(self.says))
        self.with_name = self._by_repo(np.flatnonzero([len(words(f.name)) > 1 for f in functions]))

    def _by_repo(self, places: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        repos: dict[str, list[int]] = {}
        for i in places.tolist():
            repos.setdefault(self.functions[i].repo, []).append(i)
        groups = [np.array(v) for _, v in sorted(repos.items())]
        sizes = np.array([len(g) for g in groups], dtype=float) ** 0.7  # flattened, as tasks_data.Draw
        return groups, sizes / max(1e-9, sizes.sum())

    def batch(self, rng: np.random.Generator, count: int, together: int, keep: float, named: float):
        """(questions, codes, which pairs off the diagonal are right too). `named`: share of batches that ask by name."""
        by_name = rng.random() < named
        groups, chances = self.with_name if by_name else self.with_doc
        drawn = [
            rng.choice(groups[g], min(together, len(groups[g])), replace=False)
            for g in rng.choice(len(groups), max(1, count // together), p=chances)
        ]
        places = np.unique(np.concatenate(drawn))
        codes = self.hidden if by_name or rng.random() < 0.6 else self.shown
        asked, kinds = (self.names, self.same_name) if by_name else (self.summaries, self.same_text)
        same = torch.from_numpy(kinds[places])
        return asked.take(places, rng, max(keep, 0.8)), codes.take(places, rng, keep), same[:, None] == same[None]
