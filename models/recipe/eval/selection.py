"""Selection among held-out texts."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recipe.eval.intervals import mean_interval
from recipe.eval.ranks import reciprocal_ranks
from recipe.heads.selection import Chooser


@torch.no_grad()
def judged(chooser: Chooser, queries: Tensor, keys: Tensor) -> list[float]:
    """Reciprocal rank of a question's own text among all, with its interval."""
    return mean_interval(
        reciprocal_ranks((chooser.asked(queries) @ chooser.texts(keys).t()).numpy(), np.arange(len(queries)))
    )
