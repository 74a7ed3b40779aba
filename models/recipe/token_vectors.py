"""Stage 4a, a vector of each token: `python models/recipe/token_vectors.py --functions DIR --held-out DIR --run DIR`.

A text's vector is the sum of two parts (tasks_model.py): the mean hidden state through a matrix, and the mean of its tokens' own
vectors. The second needs no model to be run, so it sees hundreds of thousands of pairs in the minutes in which the model sees
a few thousand (CodeSearchNet's neural bag of words, arXiv:1909.09436, section 4, which self-attention hardly bettered there).
Pairs: summary <-> code, and the words of a function's name <-> its code with the name hidden. InfoNCE over the batch, in which
functions of one repository come together. Writes RUN/last.pt, which tasks.py takes as `--token-vectors`.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bm25 import BM25, words
from config import ID, home
from data import Encoder
from run import Budget, Log, machine_arguments, read, set_up
from tasks_data import Function, documented, read as read_functions
from tasks_eval import fused, mean_interval, reciprocal_ranks
from tasks_model import contrast


class Texts(NamedTuple):
    """Token ids of many texts end to end; text i is ids[starts[i]:starts[i + 1]]."""

    ids: np.ndarray  # int64
    starts: np.ndarray  # int64 [n + 1]

    @staticmethod
    def of(rows: list[list[int]]) -> "Texts":
        starts = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64)
        return Texts(np.fromiter((t for r in rows for t in r), np.int64, int(starts[-1])), starts)

    def take(self, places: np.ndarray, rng: np.random.Generator | None = None, keep: float = 1.0) -> tuple[Tensor, Tensor]:
        """Ids and offsets of these texts, each token kept with the chance `keep` (its first one always)."""
        lengths = self.starts[places + 1] - self.starts[places]
        offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        at = np.arange(lengths.sum()) - np.repeat(offsets - self.starts[places], lengths)
        if rng is not None and keep < 1.0:
            kept = rng.random(len(at)) < keep
            kept[offsets] = True
            owner = np.repeat(np.arange(len(places)), lengths)[kept]
            at, offsets = at[kept], np.searchsorted(owner, np.arange(len(places)))
        return torch.from_numpy(self.ids[at]), torch.from_numpy(offsets)


class Table(nn.Module):
    """[vocabulary, width]; a text is the mean of its tokens' rows, at length 1."""

    def __init__(self, vocab: int, width: int):
        super().__init__()
        self.rows = nn.EmbeddingBag(vocab, width, mode="mean")
        nn.init.normal_(self.rows.weight, std=width ** -0.5)
        self.temperature = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, texts: tuple[Tensor, Tensor]) -> Tensor:
        return F.normalize(self.rows(*texts), dim=-1)


class Pairs:
    """Questions and codes as token ids, and batches of them in which a repository's functions stand together."""

    def __init__(self, functions: list[Function], encode: Encoder, code_tokens: int, text_tokens: int = 48):
        self.functions = functions
        says = set(map(id, documented(functions)))

        def texts(some: list[str], most: int, start: list[int]) -> Texts:
            return Texts.of([[*start, *ids[:most]] for k in range(0, len(some), 4096) for ids in encode.batch(some[k:k + 4096])])

        query = [ID["query"]]
        self.shown = texts([f.code for f in functions], code_tokens, [])
        self.hidden = texts([f.hidden(f.code) for f in functions], code_tokens, [])
        self.summaries = texts([f.hidden(f.summary) if id(f) in says else "" for f in functions], text_tokens, query)
        self.names = texts([" ".join(words(f.name)) for f in functions], text_tokens, query)
        self.says = np.array([id(f) in says for f in functions])
        self.same_text = np.unique([f.summary if s else f.name for f, s in zip(functions, self.says)], return_inverse=True)[1]
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
        drawn = [rng.choice(groups[g], min(together, len(groups[g])), replace=False)
                 for g in rng.choice(len(groups), max(1, count // together), p=chances)]
        places = np.unique(np.concatenate(drawn))
        codes = self.hidden if by_name or rng.random() < 0.6 else self.shown
        asked, kinds = (self.names, self.same_name) if by_name else (self.summaries, self.same_text)
        same = torch.from_numpy(kinds[places])
        return asked.take(places, rng, max(keep, 0.8)), codes.take(places, rng, keep), same[:, None] == same[None]


@torch.no_grad()
def search(table: Table, functions: list[Function], encode: Encoder, code_tokens: int, pool: int, questions: int, lexical: bool) -> dict:
    """Names hidden: MRR of the table alone and, if asked, of BM25 and both, as tasks_eval.search has it."""
    functions = [functions[i] for i in np.random.default_rng(23).permutation(len(functions))[:pool]]
    pairs = Pairs(functions, encode, code_tokens)
    asked, right = np.arange(min(questions, len(functions))), np.arange(min(questions, len(functions)))
    scores = (table(pairs.summaries.take(asked)) @ table(pairs.hidden.take(np.arange(len(functions)))).t()).numpy()
    report = {"pool": len(functions), "questions": len(asked), "mrr": mean_interval(reciprocal_ranks(scores, right))}
    if lexical:
        index = BM25([f.hidden(f.code) for f in functions])
        bm25 = np.stack([index.scores(functions[i].hidden(functions[i].summary)) for i in asked])
        report |= {"mrr_bm25": mean_interval(reciprocal_ranks(bm25, right)), "mrr_fused": mean_interval(reciprocal_ranks(fused(scores, bm25), right))}
    return report


@torch.no_grad()
def web_questions(table: Table, folder: Path, encode: Encoder, code_tokens: int) -> dict:
    """CoSQA's dev questions (arXiv:2105.13239) over its pool, as they are. folder: cosqa-pool.json {code: place}, cosqa-dev.json [{doc, retrieval_idx}]."""
    places = json.loads((folder / "cosqa-pool.json").read_text())
    items = json.loads((folder / "cosqa-dev.json").read_text())
    pool = sorted(places, key=places.get)
    right = np.array([item["retrieval_idx"] for item in items])
    codes = Texts.of([ids[:code_tokens] for ids in encode.batch(pool)])
    asked = Texts.of([[ID["query"], *ids[:48]] for ids in encode.batch([item["doc"] for item in items])])
    scores = (table(asked.take(np.arange(len(items)))) @ table(codes.take(np.arange(len(pool)))).t()).numpy()
    index = BM25(pool)
    lexical = np.stack([index.scores(item["doc"]) for item in items])
    return {name: mean_interval(reciprocal_ranks(x, right)) for name, x in (("mrr", scores), ("mrr_bm25", lexical), ("mrr_fused", fused(scores, lexical)))}


def parser() -> argparse.ArgumentParser:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--functions", type=Path, default=home() / "functions/train")
    args.add_argument("--held-out", type=Path, default=home() / "functions/test")
    args.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    args.add_argument("--run", type=Path, default=home() / "runs/token_vectors")
    args.add_argument("--width", type=int, default=256)
    args.add_argument("--batch", type=int, default=1024)
    args.add_argument("--together", type=int, default=32, help="functions of one repository in a row")
    args.add_argument("--keep", type=float, default=0.5, help="chance of a code's token to be seen (a question's: at least .8)")
    args.add_argument("--named", type=float, default=0.25, help="share of batches that ask by the words of the name")
    args.add_argument("--code-tokens", type=int, default=160)
    args.add_argument("--lr", type=float, default=3e-3)
    args.add_argument("--steps", type=int, default=800, help="more learn the training functions by heart: held-out figures fall again")
    args.add_argument("--minutes", type=float, default=0)
    args.add_argument("--pool", type=int, default=20000)
    args.add_argument("--questions", type=int, default=1000)
    args.add_argument("--check-steps", type=int, default=250)
    args.add_argument("--evaluate", action="store_true", help="only measure RUN/last.pt, beside BM25")
    args.add_argument("--cosqa", type=Path, help="folder of CoSQA's dev questions, to be measured too")
    machine_arguments(args)
    return args


def main(argv: list[str] | None = None) -> dict:
    a = parser().parse_args(argv)
    set_up(a)
    encode, last, log = Encoder(a.tokenizer), a.run / "last.pt", Log(a.run / "log.jsonl")
    table, step = Table(encode.vocab, a.width), 0
    optimizer = torch.optim.Adam(table.parameters(), lr=a.lr, betas=(0.9, 0.98))
    if last.exists():
        state = read(last)
        table.load_state_dict(state["weights"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    held = documented(read_functions(a.held_out))
    if a.evaluate:
        report = search(table, held, encode, a.code_tokens, a.pool, a.questions, True)
        if a.cosqa:
            report["cosqa"] = web_questions(table, a.cosqa, encode, 256)
        log(event="evaluate", step=step, **report)
        return report
    pairs = Pairs(read_functions(a.functions), encode, a.code_tokens)
    log(event="start", step=step, functions=len(pairs.functions), documented=int(pairs.says.sum()))
    budget, losses, since = Budget(a.steps, a.minutes, step, 20, 0.5), [], time.time()
    while budget.more(step):
        rng = np.random.default_rng((a.seed, 5, step))
        questions, codes, same = pairs.batch(rng, a.batch, a.together, a.keep, a.named)
        loss = contrast(table(questions), table(codes), table.temperature, same)
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = a.lr * budget.factor(step)
        optimizer.step()
        losses.append(float(loss.detach()))
        step += 1
        if step % a.check_steps == 0:
            log(event="train", step=step, loss=float(np.mean(losses)), seconds=time.time() - since, temperature=float(table.temperature.detach().exp()),
                mrr=search(table, held, encode, a.code_tokens, 4000, 500, False)["mrr"][0])
            losses, since = [], time.time()
    a.run.mkdir(parents=True, exist_ok=True)
    torch.save({"weights": table.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, last)
    log(event="end", step=step)
    return {"step": step}


if __name__ == "__main__":
    print(json.dumps(main()))
