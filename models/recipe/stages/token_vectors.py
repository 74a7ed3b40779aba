"""Stage 4a, a vector of each token: `python -m recipe.stages.token_vectors --functions DIR --held-out DIR --run DIR`.

A text's vector is the sum of two parts (tasks_model.py): the mean hidden state through a matrix, and the mean of its tokens' own
vectors. The second needs no model to be run, so it sees hundreds of thousands of pairs in the minutes in which the model sees
a few thousand (CodeSearchNet's neural bag of words, arXiv:1909.09436, section 4, which self-attention hardly bettered there).
Pairs: summary <-> code, and the words of a function's name <-> its code with the name hidden. InfoNCE over the batch, in which
functions of one repository come together. Writes RUN/last.pt, which tasks.py takes as `--token-vectors`.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from recipe.checkpoint import read
from recipe.config import home
from recipe.eval.token_vectors import search, web_questions
from recipe.heads.token_vectors import Table
from recipe.heads.vectors import contrast
from recipe.log import Log
from recipe.machine import machine_arguments, set_up
from recipe.schedule import Budget
from recipe.tasks.functions import documented
from recipe.tasks.functions import read as read_functions
from recipe.tasks.token_pairs import Pairs
from recipe.tokens.encoder import Encoder


def parser() -> argparse.ArgumentParser:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--functions", type=Path, default=home() / "functions/train")
    args.add_argument("--held-out", type=Path, default=home() / "functions/test")
    args.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    args.add_argument("--run", type=Path, default=home() / "runs/token_vectors")
    args.add_argument("--width", type=int, default=256)
    args.add_argument("--batch", type=int, default=1024)
    args.add_argument("--together", type=int, default=32, help="functions of one repository in a row")
    args.add_argument(
        "--keep", type=float, default=0.5, help="chance of a code's token to be seen (a question's: at least .8)"
    )
    args.add_argument("--named", type=float, default=0.25, help="share of batches that ask by the words of the name")
    args.add_argument("--code-tokens", type=int, default=160)
    args.add_argument("--lr", type=float, default=3e-3)
    args.add_argument(
        "--steps", type=int, default=800, help="more learn the training functions by heart: held-out figures fall again"
    )
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
            log(
                event="train",
                step=step,
                loss=float(np.mean(losses)),
                seconds=time.time() - since,
                temperature=float(table.temperature.detach().exp()),
                mrr=search(table, held, encode, a.code_tokens, 4000, 500, False)["mrr"][0],
            )
            losses, since = [], time.time()
    a.run.mkdir(parents=True, exist_ok=True)
    torch.save({"weights": table.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, last)
    log(event="end", step=step)
    return {"step": step}


if __name__ == "__main__":
    print(json.dumps(main()))
