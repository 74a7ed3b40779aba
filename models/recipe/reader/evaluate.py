"""What the adapter changes: `python -m recipe.reader.evaluate --base DIR --adapter DIR --examples DIR`.

On held-out repositories, the untrained base beside the adapted one in the same run:
- nats a token of the reference answers, for answerable and unanswerable questions and for gists;
- greedy answers: facts right where a fact is asked, answers near the reference, abstention where it is due and where not;
- greedy gists: smoothed BLEU-4.
Intervals are the middle 95% of 2,000 bootstrap draws. --said FILE keeps every answer.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Callable, Iterator

import torch

from recipe.config import home
from recipe.eval.bleu import bleu
from recipe.model.loss import cross_entropy
from recipe.model.masks import visible
from recipe.model.transformer import Llama
from recipe.reader.adapter import load_reader
from recipe.reader.base import load_tokenizer
from recipe.reader.generate import greedy
from recipe.reader.prompt import END, Block, answer_prefix, gist_prompt, question_part
from recipe.reader.rows import Tree, batch, read_examples, row_of
from recipe.reader.sources import write_lines

EXACT = ("where", "default", "constant", "calls", "called-by", "list", "which", "how", "error", "raises")
REFUSAL = re.compile(
    r"\b(?:sources?|evidence|text|code|file|snippet|context|information)\b[^.]*\b(?:do|does|is|are)(?: not|n't)\b|"
    r"\bnot (?:specified|mentioned|provided|stated|defined|found|given|say)|\bno (?:information|mention|evidence)",
    re.I,
)


def pieces(text: str) -> list[str]:
    """Words, numbers and marks, as BLEU counts them."""
    return re.findall(r"[A-Za-z0-9_]+|[^\sA-Za-z0-9_]", text.lower())


def overlap(said: str, reference: str) -> float:
    """F1 of words."""
    a, b = Counter(re.findall(r"\w+", said.lower())), Counter(re.findall(r"\w+", reference.lower()))
    common = sum((a & b).values())
    return 2 * common / (sum(a.values()) + sum(b.values())) if common else 0.0


def holds(said: str, fact: str) -> bool:
    return re.search(rf"(?<![\w]){re.escape(fact)}(?![\w])", said) is not None


def interval(values: list[float], draws: int = 2000) -> list[float]:
    """Mean, and the middle 95% of the means of bootstrap draws."""
    if not values:
        return []
    rng = random.Random(1)
    means = sorted(sum(rng.choices(values, k=len(values))) / len(values) for _ in range(draws))
    return [round(v, 4) for v in (sum(values) / len(values), means[int(0.025 * draws)], means[int(0.975 * draws)])]


class Evaluation:
    """Held-out sets and gists, and what a model makes of them."""

    def __init__(
        self, sets: list[dict], gists: list[dict], folder: Path, limit: int, gist_nats: int, together: int = 24
    ):
        self.sets, self.gists, self.limit, self.together = sets, gists, limit, together
        self.gist_nats = gist_nats
        tokenizer = load_tokenizer(folder)
        self.ids = lambda text: tokenizer.encode(text).ids
        self.text = lambda ids: tokenizer.decode(ids, skip_special_tokens=True).strip()
        self.end = tokenizer.token_to_id(END)

    def stem(self, example: dict) -> list[int]:
        return self.ids(answer_prefix([Block(*b) for b in example["blocks"]]))

    @torch.no_grad()
    def nats(self, model: Llama) -> dict[str, list[float]]:
        """Mean nats a token of each reference, by kind."""
        found: dict[str, list[float]] = defaultdict(list)
        for example in self.sets:
            branches = [
                (self.ids(question_part(q["question"])), self.ids(q["answer"] + END)) for q in example["questions"]
            ]
            values = self._reference_nats(model, Tree(self.stem(example), branches))
            for q, value in zip(example["questions"], values):
                found["absent" if q["absent"] else "answerable"].append(value)
        for example in self.gists[: self.gist_nats]:
            tree = Tree(self.ids(gist_prompt(Block(*example["block"]))), [([], self.ids(example["gist"] + END))])
            found["gists"] += self._reference_nats(model, tree)
        return found

    def _reference_nats(self, model: Llama, tree: Tree) -> list[float]:
        """Mean nats a token of each branch's answer, all in one pass."""
        b = batch([row_of([tree])])
        hidden = model(b.ids, b.positions, visible(b.layout))
        _, own = cross_entropy(hidden, model.model.embed_tokens.weight, b.targets)
        found, at = [], len(tree.stem)
        for given, said in tree.branches:
            at += len(given)
            found.append(float(own[0, at - 1 : at + len(said) - 1].mean()))
            at += len(said)
        return found

    def answers(self, model: Llama) -> list[dict]:
        """Every question with what the model says."""
        found = []
        for some in self._groups(self.sets, lambda example: len(example["questions"])):
            groups = [(self.stem(e), [self.ids(question_part(q["question"])) for q in e["questions"]]) for e in some]
            for example, said in zip(some, greedy(model, groups, self.end, self.limit)):
                for q, ids in zip(example["questions"], said):
                    found.append({"repo": example["repo"], **q, "said": self.text(ids)})
        return found

    def told_gists(self, model: Llama) -> list[dict]:
        found = []
        for some in self._groups(self.gists, lambda _: 1):
            groups = [([], [self.ids(gist_prompt(Block(*g["block"]))) for g in some])]
            (said,) = greedy(model, groups, self.end, self.limit)
            found += [
                {"repo": g["repo"], "name": g["name"], "gist": g["gist"], "said": self.text(ids)}
                for g, ids in zip(some, said)
            ]
        return found

    def _groups(self, examples: list[dict], size: Callable[[dict], int]) -> Iterator[list[dict]]:
        """Examples in order, as many at a time as have `together` prompts."""
        held: list[dict] = []
        for example in examples:
            if held and sum(map(size, held)) + size(example) > self.together:
                yield held
                held = []
            held.append(example)
        if held:
            yield held


def answer_figures(answers: list[dict]) -> dict:
    """right: all facts told, or for free answers an F1 of words of .5 with the reference; abstained: said to be unanswerable."""
    figures: dict[str, list[float]] = defaultdict(list)
    for a in answers:
        refused = float(bool(REFUSAL.search(a["said"])))
        if a["absent"]:
            figures["abstained_where_due"].append(refused)
            continue
        near = overlap(a["said"], a["answer"])
        right = bool(a["facts"]) and all(holds(a["said"], f) for f in a["facts"]) and not refused
        figures["abstained_where_not"].append(refused)
        figures["word_f1"].append(near)
        if a["kind"] in EXACT:
            figures["facts_right"].append(float(right))
        else:
            figures["free_right"].append(float(near >= 0.5 and not refused))
        figures[f"kind_{a['kind']}"].append(float(right if a["kind"] in EXACT else near >= 0.5 and not refused))
    return {name: [*interval(values), len(values)] for name, values in sorted(figures.items())}


def main(argv: list[str] | None = None) -> dict:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--base", type=Path, default=home() / "reader/base")
    args.add_argument("--adapter", type=Path, default=home() / "runs/reader/answers/adapter")
    args.add_argument("--examples", type=Path, default=home() / "reader/examples")
    args.add_argument("--split", default="test", choices=("test", "valid"))
    args.add_argument("--sets", type=int, default=24)
    args.add_argument("--gists", type=int, default=100)
    args.add_argument("--gist-nats", type=int, default=100, help="gists whose references are measured in nats")
    args.add_argument("--limit", type=int, default=48, help="tokens of an answer at most")
    args.add_argument("--threads", type=int, default=1)
    args.add_argument("--said", type=Path, help="file for every answer")
    args.add_argument("--only", choices=("base", "adapted"), help="measure one of the two")
    a = args.parse_args(argv)
    torch.set_num_threads(a.threads)
    sets = read_examples(a.examples / f"{a.split}-answers.jsonl")[: a.sets]
    gists = read_examples(a.examples / f"{a.split}-gists.jsonl")[: a.gists]
    evaluation = Evaluation(sets, gists, a.base, a.limit, a.gist_nats)
    report: dict = {"split": a.split, "sets": len(sets), "gists": len(gists)}
    kept = []
    for name in ("base", "adapted"):
        if a.only and name != a.only:
            continue
        started, model = time.process_time(), load_reader(a.base, a.adapter if name == "adapted" else None)
        nats = evaluation.nats(model)
        told = evaluation.told_gists(model)
        answers = evaluation.answers(model)
        kept += [{"model": name, **record} for record in (*answers, *told)]
        report[name] = {
            "nats": {kind: [*interval(values), len(values)] for kind, values in nats.items()},
            "answers": answer_figures(answers),
            "gist_bleu": [*interval([bleu(pieces(g["said"]), pieces(g["gist"])) for g in told]), len(told)],
            "cpu_seconds": round(time.process_time() - started, 1),
        }
        print(json.dumps({name: report[name]}), flush=True)
        if a.said:
            write_lines(a.said, kept)
    return report


if __name__ == "__main__":
    main()
