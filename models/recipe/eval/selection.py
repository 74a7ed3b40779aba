"""Selection among held-out texts."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recipe.eval.intervals import mean_interval
from recipe.eval.ranks import reciprocal_ranks
from recipe.heads.selection import SelectionHead


@torch.no_grad()
def selection_mrr(head: SelectionHead, queries: Tensor, keys: Tensor) -> list[float]:
    """Mean reciprocal rank of a question's own text among all texts, with its interval."""
    scores = (head.questions(queries) @ head.texts(keys).t()).numpy()
    return mean_interval(reciprocal_ranks(scores, np.arange(len(queries))))
