"""Stage 4b, the line pointer: `python models/recipe/pointer.py --token-vectors RUN/last.pt --functions DIR --held-out DIR --run DIR`.

Which line of some code begins what a question asks for? Rests on the tokens' own vectors (token_vectors.py) alone, so that no
model is run and no later stage moves it. Each line l gets a chance p_l of beginning a definition, from three learned scalars a token:
logit p_l = bias + mean of `starts[t, 0]` over its tokens + `starts[first, 1]` + `starts[last token of the line before, 2]`.
What is said from line l on is the sum of the token vectors of its lines up to the next beginning, in expectation:
r_l = s_l + (1 - p_{l+1}) r_{l+1}. Its score is w log p_l + a cos(r_l, q), q the sum of the question's token vectors; "none of them"
scores a constant. Names are hidden in all questions and code. The table knows the training functions better than any others, so in the last
quarter of the steps only the scalars learn, from functions of repositories it was not trained on (`--valid`), and "none" comes to mean what
it will mean. Writes RUN/last.pt, which export.py takes as `--pointer`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bm25 import BM25
from config import ID, SINK_IDS, home
from data import Encoder
from run import Budget, Log, machine_arguments, read, set_up
from tasks_data import Draw, Function, documented, read as read_functions
from tasks_eval import mean_interval
from tasks_examples import Maker, Pointing

UNSEEN = 0.25  # share of the steps, at the end, on functions that the table has not seen
NO_TOKENS = -8.0  # logit p of a line without tokens of its own: a blank line begins nothing


class Lines(NamedTuple):
    """B questions over at most L lines each, tokens end to end."""

    ids: Tensor  # [n] tokens of the lines
    owner: Tensor  # [n] question * L + line
    counts: Tensor  # [B] lines
    asked: Tensor  # [m] tokens of the questions
    asked_owner: Tensor  # [m]
    most: int  # L

    @staticmethod
    def of(made: Pointing) -> "Lines":
        most = max(len(ends) for ends in made.lines)
        ids, owner, asked, asked_owner = [], [], [], []
        for i, (row, ends) in enumerate(zip(made.rows, made.lines)):
            code = np.array(row[:ends[-1] + 1])
            question = row[row.index(ID["query"]):-1]
            ids.append(code)
            owner.append(i * most + np.searchsorted(np.array(ends), np.arange(len(code))))
            asked += question
            asked_owner += [i] * len(question)
        return Lines(torch.from_numpy(np.concatenate(ids)), torch.from_numpy(np.concatenate(owner)),
                     torch.tensor([len(ends) for ends in made.lines]), torch.tensor(asked), torch.tensor(asked_owner), most)


class LinePointer(nn.Module):
    def __init__(self, table: Tensor):
        """table [V, width]: stays as it is."""
        super().__init__()
        self.table = nn.Parameter(table.half().float(), requires_grad=False)  # as it is exported
        self.starts = nn.Parameter(torch.zeros(len(table), 3))
        self.bias = nn.Parameter(torch.tensor(-1.5))
        self.scales = nn.Parameter(torch.tensor([1.0, 10.0]))  # w, a
        self.none = nn.Parameter(torch.tensor(0.0))

    def beginnings(self, lines: Lines) -> Tensor:
        """logit p [B, L]."""
        size = len(lines.counts) * lines.most
        of = lambda owner, values: torch.zeros(size).index_add(0, owner, values)
        counts = of(lines.owner, torch.ones(len(lines.owner)))
        first = torch.ones(len(lines.owner), dtype=torch.bool)
        first[1:] = lines.owner[1:] != lines.owner[:-1]
        before = first.clone()
        before[0] = False
        before[1:] &= lines.owner[1:] // lines.most == lines.owner[:-1] // lines.most
        logits = (self.bias + of(lines.owner, self.starts[lines.ids, 0]) / counts.clamp(min=1)
                  + of(lines.owner[first], self.starts[lines.ids[first], 1])
                  + of(lines.owner[before], self.starts[lines.ids.roll(1)[before], 2]))
        return logits.masked_fill(counts == 0, NO_TOKENS).view(-1, lines.most)

    def forward(self, lines: Lines) -> Tensor:
        """Scores [B, 1 + L] of "none" and each line; lines that are not there score -1e4."""
        b, width = len(lines.counts), self.table.shape[1]
        sums = torch.zeros(b * lines.most, width).index_add(0, lines.owner, self.table[lines.ids]).view(b, lines.most, width)
        asked = F.normalize(torch.zeros(b, width).index_add(0, lines.asked_owner, self.table[lines.asked]), dim=-1)
        logits = self.beginnings(lines)
        goes_on = torch.sigmoid(-logits)
        said = sums[:, -1]
        near = [(F.normalize(said, dim=-1) * asked).sum(-1)]
        for line in range(lines.most - 2, -1, -1):
            said = sums[:, line] + goes_on[:, line + 1, None] * said
            near.append((F.normalize(said, dim=-1) * asked).sum(-1))
        scores = self.scales[0] * F.logsigmoid(logits) + self.scales[1] * torch.stack(near[::-1], 1)
        there = torch.arange(lines.most)[None] < lines.counts[:, None]
        return torch.cat([self.none.expand(b, 1), scores.masked_fill(~there, -1e4)], 1)

    def export(self) -> dict[str, Tensor]:
        """For export.py; `point.scales` is [bias, w, a, none]."""
        return {"point.starts": self.starts.detach(), "point.scales": torch.cat([self.bias[None], self.scales, self.none[None]]).detach()}


@torch.no_grad()
def evaluate(pointer: LinePointer, maker: Maker, groups: list[list[Function]], seed: int = 17) -> dict:
    """Top-1 among "none" and all lines, of questions with an answer, beside BM25 over lines; and how "none" is used."""
    rng, right, lexical, refused, wrongly = np.random.default_rng(seed), [], [], [], []
    for some in groups:
        made = maker.pointings(some, rng, none_share=0.25)
        choices = pointer(Lines.of(made)).argmax(1).tolist()
        for choice, truth, row, lines in zip(choices, made.first, made.rows, made.lines):
            if truth == 0:
                refused.append(choice == 0)
                continue
            right.append(choice == truth)
            wrongly.append(choice == 0)
            texts = [maker.encode.decode(row[a + 1:b + 1]) for a, b in zip([-1, *lines], lines)]
            lexical.append(int(BM25(texts).scores(maker.encode.decode(row[row.index(ID["query"]) + 1:-1])).argmax()) + 1 == truth)
    report = {"top1": right, "top1_bm25_line": lexical, "none_recall": refused, "false_none": wrongly}
    return {"questions": len(right), **{k: mean_interval(np.array(v, float)) for k, v in report.items() if v}}


def grouped(functions: list[Function], questions: int, together: bool, size: int = 8) -> list[list[Function]]:
    """Groups whose functions are shown with each other: drawn at random, or each of one repository."""
    order = np.random.default_rng(23).permutation(len(functions))
    drawn = [functions[i] for i in order]
    if together:
        drawn.sort(key=lambda f: f.repo)
    groups = [drawn[i:i + size] for i in range(0, len(drawn), size)]
    groups = [g for g in groups if not together or len({f.repo for f in g}) == 1]
    return [groups[i] for i in np.random.default_rng(29).permutation(len(groups))[:questions // size]]


def parser() -> argparse.ArgumentParser:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--token-vectors", type=Path, default=home() / "runs/token_vectors/last.pt")
    args.add_argument("--functions", type=Path, default=home() / "functions/train")
    args.add_argument("--valid", type=Path, default=home() / "functions/valid")
    args.add_argument("--held-out", type=Path, default=home() / "functions/test")
    args.add_argument("--tokenizer", type=Path, default=home() / "tokenizer")
    args.add_argument("--run", type=Path, default=home() / "runs/pointer")
    args.add_argument("--window", type=int, default=512)
    args.add_argument("--batch", type=int, default=32)
    args.add_argument("--lr", type=float, default=3e-2)
    args.add_argument("--steps", type=int, default=400)
    args.add_argument("--minutes", type=float, default=0)
    args.add_argument("--questions", type=int, default=2400, help="held-out questions, a quarter of them without an answer")
    args.add_argument("--evaluate", action="store_true")
    machine_arguments(args)
    return args


def main(argv: list[str] | None = None) -> dict:
    a = parser().parse_args(argv)
    set_up(a)
    pointer, last, log = LinePointer(read(a.token_vectors)["weights"]["rows.weight"]), a.run / "last.pt", Log(a.run / "log.jsonl")
    optimizer = torch.optim.Adam([p for p in pointer.parameters() if p.requires_grad], lr=a.lr, betas=(0.9, 0.98))
    maker, step = Maker(Encoder(a.tokenizer), window=a.window - len(SINK_IDS) - 1), 0
    if last.exists():
        state = read(last)
        pointer.load_state_dict(state["weights"], strict=False)
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    if a.evaluate:
        held = documented(read_functions(a.held_out))
        report = {name: evaluate(pointer, maker, grouped(held, a.questions, together)) for name, together in (("any", False), ("same_repository", True))}
        log(event="evaluate", step=step, **report)
        return report
    draw = Draw(documented(read_functions(a.functions)), a.seed)
    unseen = Draw(documented(read_functions(a.valid)), a.seed) if a.valid.exists() else draw
    budget, losses = Budget(a.steps, a.minutes, step, 10, 0.4), []
    while budget.more(step):
        if budget.progress(step) >= 1 - UNSEEN and pointer.starts.requires_grad:
            draw = unseen
            pointer.starts.requires_grad_(False)
            pointer.starts.grad = None
        rng = np.random.default_rng((a.seed, 7, step))
        parts = [maker.pointings(draw.batch(step * a.batch + i, 8), rng, none_share=0.25) for i in range(a.batch // 8)]
        made = Pointing(*([x for part in parts for x in part[k]] for k in range(4)))
        loss = F.cross_entropy(pointer(Lines.of(made)), torch.tensor(made.first))
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = a.lr * budget.factor(step)
        optimizer.step()
        losses.append(float(loss.detach()))
        step += 1
        if step % 50 == 0:
            log(event="train", step=step, loss=float(np.mean(losses)), bias=float(pointer.bias.detach()), none=float(pointer.none.detach()),
                w=float(pointer.scales[0].detach()), a=float(pointer.scales[1].detach()))
            losses = []
    a.run.mkdir(parents=True, exist_ok=True)
    torch.save({"weights": {k: v for k, v in pointer.state_dict().items() if k != "table"}, "optimizer": optimizer.state_dict(),
                "export": pointer.export(), "step": step}, last)
    log(event="end", step=step)
    return {"step": step}


if __name__ == "__main__":
    print(json.dumps(main()))
