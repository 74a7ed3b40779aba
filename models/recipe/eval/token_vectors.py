"""Search with token vectors, beside BM25."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from recipe.config import ID
from recipe.eval.bm25 import BM25
from recipe.eval.intervals import mean_interval
from recipe.eval.ranks import fused, reciprocal_ranks
from recipe.heads.token_vectors import Table, Texts
from recipe.tasks.functions import Function
from recipe.tasks.token_pairs import TokenPairs
from recipe.tokens.encoder import Encoder


@torch.no_grad()
def search(
    table: Table, functions: list[Function], encode: Encoder, code_tokens: int, pool: int, questions: int, lexical: bool
) -> dict:
    """MRR of summaries that search `pool` functions, names hidden. `lexical` adds BM25 and the fusion of both."""
    functions = [functions[i] for i in np.random.default_rng(23).permutation(len(functions))[:pool]]
    pairs = TokenPairs(functions, encode, code_tokens)
    asked = right = np.arange(min(questions, len(functions)))
    scores = (table(pairs.summaries.take(asked)) @ table(pairs.hidden.take(np.arange(len(functions)))).t()).numpy()
    report = {"pool": len(functions), "questions": len(asked), "mrr": mean_interval(reciprocal_ranks(scores, right))}
    if lexical:
        index = BM25([f.hidden(f.code) for f in functions])
        bm25 = np.stack([index.scores(functions[i].hidden(functions[i].summary)) for i in asked])
        report["mrr_bm25"] = mean_interval(reciprocal_ranks(bm25, right))
        report["mrr_fused"] = mean_interval(reciprocal_ranks(fused(scores, bm25), right))
    return report


@torch.no_grad()
def web_questions(table: Table, folder: Path, encode: Encoder, code_tokens: int) -> dict:
    """MRR of CoSQA's dev questions (arXiv:2105.13239) over its pool, unchanged.

    The folder holds cosqa-pool.json {code: place} and cosqa-dev.json [{doc, retrieval_idx}].
    """
    places = json.loads((folder / "cosqa-pool.json").read_text())
    items = json.loads((folder / "cosqa-dev.json").read_text())
    pool = sorted(places, key=places.get)
    right = np.array([item["retrieval_idx"] for item in items])
    codes = Texts.of([ids[:code_tokens] for ids in encode.batch(pool)])
    asked = Texts.of([[ID["query"], *ids[:48]] for ids in encode.batch([item["doc"] for item in items])])
    scores = (table(asked.take(np.arange(len(items)))) @ table(codes.take(np.arange(len(pool)))).t()).numpy()
    index = BM25(pool)
    lexical = np.stack([index.scores(item["doc"]) for item in items])
    tables = {"mrr": scores, "mrr_bm25": lexical, "mrr_fused": fused(scores, lexical)}
    return {name: mean_interval(reciprocal_ranks(values, right)) for name, values in tables.items()}
