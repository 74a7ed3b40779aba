"""Evidence with questions, and functions with gists: `python -m recipe.reader.examples --sources DIR --out DIR`.

A set of evidence is one to six blocks of one repository: what is asked about and what looks like it (names that share
words, the same file). Several questions share it, answerable ones and, for one in four or five, ones that it does not
answer. Written to OUT/SPLIT-answers.jsonl and OUT/SPLIT-gists.jsonl, seeded; splits are by repository.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from pathlib import Path

from recipe.config import home
from recipe.reader.doc_parts import NO_PARTS
from recipe.reader.prompt import ABSTENTION, Block
from recipe.reader.questions import Question, about_constant, about_function, about_section, about_several
from recipe.reader.sources import write_lines
from recipe.reader.units import Function, Units, read_units

# Characters of all blocks at most, one drawn for each set: some 400, 800 and 1,300 tokens. The product gives as much as the
# machine reads in a few seconds, which differs.
EVIDENCE = (1_350, 1_350, 2_700, 4_200)
BLOCKS = {1_350: 4, 2_700: 5, 4_200: 6}  # blocks at most, by the room
# Answerable questions of a set at most. Evidence is read once for all of them, so training asks as many as a row holds.
QUESTIONS = {"train": 8, "valid": 5, "test": 5}
ABSENT = 0.24  # the share of all questions that are not answerable
SHARES = {
    "where": 0.4,
    "calls": 0.25,
    "called-by": 0.25,
    "list": 0.4,
    "compare": 0.7,
    "parameter": 2.0,
    "default": 2.0,
    "raises": 2.0,
    "error": 2.0,
}
WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])")


def words(text: str) -> set[str]:
    """Lower-cased words of more than three letters, those inside names too."""
    return {w.lower() for w in WORD.findall(text) if len(w) > 3}


def supported(answer: str, evidence: str, least: float = 0.75) -> bool:
    """Whether the evidence holds what the answer says: its words, and every name in backticks."""
    names = re.findall(r"`([^`]+)`", answer)
    if any(name not in evidence for name in names):
        return False
    said = words(answer) - {
        "defined",
        "lines",
        "line",
        "defaults",
        "returns",
        "raises",
        "calls",
        "whereas",
        "fails",
        "with",
        "this",
        "message",
        "matters",
        "follows",
        "comment",
        "says",
        "sources",
        "define",
    }
    held = words(evidence)
    stems = {w[:5] for w in held}
    return not said or sum(w in held or w[:5] in stems for w in said) >= least * len(said)


class Maker:
    """Makes sets of one repository, one after another."""

    def __init__(self, units: Units, seed: int, questions: int = QUESTIONS["test"]):
        self.units, self.questions = units, questions
        self.rng = random.Random(f"{seed} {units.repo}")
        self.room = EVIDENCE[0]  # characters of the set that is being made
        self.by_word: dict[str, list[int]] = {}
        self.by_path: dict[str, list[int]] = {}
        for i, f in enumerate(units.functions):
            for word in sorted(words(f.name)):
                self.by_word.setdefault(word, []).append(i)
            self.by_path.setdefault(f.path, []).append(i)
        self.places = list(units.functions)
        self.rng.shuffle(self.places)

    def neighbours(self, f: Function) -> list[Function]:
        """Functions whose names share words with this one's, or of the same file, or any."""
        pools = [self.by_word.get(w, []) for w in sorted(words(f.name))] + [self.by_path.get(f.path, [])]
        index = [i for pool in pools for i in pool[:200]]
        chosen = [self.units.functions[i] for i in self.rng.sample(index, min(8, len(index)))]
        chosen += self.rng.sample(self.units.functions, min(3, len(self.units.functions)))
        return [g for g in chosen if g.name != f.name and g.sentence]

    def seen_as(self, f: Function) -> Function:
        """One function in four is shown without its comment: what it does must then be read from its code."""
        bare = self.rng.random() < 0.25 and f.bare.text.count("\n") >= 2
        return f._replace(shown=f.bare, parts=NO_PARTS, more=None) if bare else f

    def function_set(self, f: Function) -> dict | None:
        blocks, taken, used = [f.shown], [f], len(f.shown.text)
        for g in self.neighbours(f):
            fits = used + len(g.shown.text) <= self.room
            if len(taken) < BLOCKS.get(self.room, 4) and fits and all(g.name != t.name for t in taken):
                taken.append(g)
                used += len(g.shown.text)
        taken = [self.seen_as(g) for g in taken]
        blocks = [g.shown for g in taken]
        asked = [q for g in taken for q in about_function(g, self.rng)] + about_several(taken, self.rng)
        if self.units.constants and self.rng.random() < 0.25:
            c = self.rng.choice(self.units.constants)
            if used + len(c.shown.text) <= self.room:
                blocks.append(c.shown)
                asked += about_constant(c, self.rng)
        return self.finished(blocks, asked, taken)

    def constant_set(self) -> dict | None:
        picked, used = [], 0
        for c in self.rng.sample(self.units.constants, min(8, len(self.units.constants))):
            if used + len(c.shown.text) <= self.room and all(c.shown != p.shown for p in picked):
                picked.append(c)
                used += len(c.shown.text)
        return self.finished([c.shown for c in picked], [q for c in picked for q in about_constant(c, self.rng)], [])

    def section_set(self) -> dict | None:
        first = self.rng.choice(self.units.sections)
        near = [s for s in self.units.sections if s.path == first.path and s is not first]
        picked, used = [first], len(first.shown.text)
        for s in self.rng.sample(near, min(6, len(near))):
            if used + len(s.shown.text) <= self.room:
                picked.append(s)
                used += len(s.shown.text)
        return self.finished([s.shown for s in picked], [q for s in picked for q in about_section(s, self.rng)], [])

    def finished(self, blocks: list[Block], asked: list[Question], taken: list[Function]) -> dict | None:
        self.rng.shuffle(blocks)
        evidence = "\n\n".join(b.shown() for b in blocks)
        if "<|" in evidence:
            return None
        bare = {f.name for f in taken if f.shown == f.bare and f.parts == NO_PARTS}
        good = {q.question: q for q in asked if supported(q.answer, evidence, 0.4 if q.about in bare else 0.75)}
        order = sorted(good.values(), key=lambda q: self.rng.random() ** (1 / SHARES.get(q.kind, 1.0)), reverse=True)
        kinds: Counter = Counter()
        kept = []
        for q in order:
            if len(kept) < self.questions and kinds[q.kind] < 2:
                kinds[q.kind] += 1
                kept.append({**q._asdict(), "absent": False})
        if not kept:
            return None
        # As many as keep their share right on average, at random.
        wanted = len(kept) * ABSENT / (1 - ABSENT)
        wanted = int(wanted) + (self.rng.random() < wanted % 1)
        kept += self.absent(evidence, taken, wanted)
        return {"repo": self.units.repo, "blocks": [list(b) for b in blocks], "questions": kept}

    def absent(self, evidence: str, taken: list[Function], count: int) -> list[dict]:
        """Questions that the evidence does not answer: half about things that are not in it, half about parts of what is."""
        found, held = [], words(evidence)
        for _ in range(12 * count):
            if len(found) == count:
                break
            near = self.neighbours(self.rng.choice(taken)) if taken and self.rng.random() < 0.5 else []
            pool = [g for g in near if g not in taken] or self.units.functions
            other = self.rng.choice(pool) if pool else None
            if taken and other and self.rng.random() < 0.5:
                q = self._missing_part(self.rng.choice(taken), other, evidence)
            else:
                q = self._missing_thing(other, evidence, held)
            if q is not None:
                found.append({**q._asdict(), "answer": ABSTENTION, "facts": [], "absent": True})
        return found

    def _missing_part(self, f: Function, other: Function, evidence: str) -> Question | None:
        """A parameter, default or error of another function, asked of this one."""
        asked = [q for q in about_function(other, self.rng) if q.kind in ("parameter", "default", "raises")]
        if not asked:
            return None
        q = self.rng.choice(asked)
        part = q.facts[0] if q.kind == "raises" else q.about.split()[-1]
        if re.search(rf"\b{re.escape(part)}\b", evidence) or other.name == f.name or part == other.name:
            return None
        question = re.sub(rf"\b{re.escape(other.name)}\b", f.name, q.question)
        return q._replace(question=question) if f.name in question else None

    def _missing_thing(self, other: Function | None, evidence: str, held: set[str]) -> Question | None:
        units = self.units
        pools = [about_function(other, self.rng)] if other else []
        if len(units.constants) > 5 and self.rng.random() < 0.5:
            pools.append(about_constant(self.rng.choice(units.constants), self.rng))
        if len(units.sections) > 5 and self.rng.random() < 0.5:
            pools.append(about_section(self.rng.choice(units.sections), self.rng))
        pool = self.rng.choice(pools) if pools else []
        asked = [q for q in pool if q.kind != "list"]
        if not asked:
            return None
        q = self.rng.choice(asked)
        if q.kind in ("which", "how", "section", "error"):
            told = words(q.about)
            return q if len(told) >= 2 and len(told & held) <= 0.5 * len(told) and q.about not in evidence else None
        return None if any(re.search(rf"\b{re.escape(n)}\b", evidence) for n in q.about.split()[:1]) else q

    def sets(self, count: int) -> list[dict]:
        made = []
        for i in range(count):
            draw, self.room = self.rng.random(), self.rng.choice(EVIDENCE)
            if draw < 0.10 and len(self.units.constants) >= 3:
                found = self.constant_set()
            elif draw < 0.28 and len(self.units.sections) >= 3:
                found = self.section_set()
            elif self.places:
                found = self.function_set(self.places[i % len(self.places)])
            else:
                found = None
            if found:
                made.append(found)
        return made

    def gists(self, count: int) -> list[dict]:
        """Functions without their comments and what the comment's first sentence says, as a statement."""
        made = []
        for f in self.places:
            said = (f.statement or "").removeprefix(f"`{f.name}` ")
            body = f.bare.text.count("\n")
            if re.match(r"(?:is|does|has|was|are|implements|satisfies)\b", said):
                continue
            if (
                len(made) < count
                and 4 <= len(said.split()) <= 24
                and 2 <= body
                and len(f.bare.text) <= 850
                and "<|" not in f.bare.text
            ):
                made.append(
                    {"repo": self.units.repo, "name": f.name, "block": list(f.bare), "gist": said[0].upper() + said[1:]}
                )
        return made


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--sources", type=Path, default=home() / "reader/sources")
    args.add_argument("--out", type=Path, default=home() / "reader/examples")
    args.add_argument("--sets", type=int, default=160, help="sets of evidence of one repository at most")
    args.add_argument("--gists", type=int, default=240, help="gists of one repository at most")
    args.add_argument("--seed", type=int, default=1)
    a = args.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    for split in ("test", "valid", "train"):
        answers, gists = [], []
        for file in sorted((a.sources / split).glob("*.functions.jsonl")):
            units = read_units(file.with_name(file.name.removesuffix(".functions.jsonl")))
            maker = Maker(units, a.seed, QUESTIONS[split])
            # Small repositories are not repeated: at most one set for three functions, and some for their documents.
            answers += maker.sets(min(a.sets, len(units.functions) // 3 + len(units.sections) // 2 + 4))
            gists += maker.gists(a.gists)
        rng = random.Random(a.seed)
        rng.shuffle(answers)
        rng.shuffle(gists)
        write_lines(a.out / f"{split}-answers.jsonl", answers)
        write_lines(a.out / f"{split}-gists.jsonl", gists)
        kinds = Counter("absent" if q["absent"] else q["kind"] for s in answers for q in s["questions"])
        print(
            json.dumps({"split": split, "sets": len(answers), "gists": len(gists), "questions": dict(kinds)}),
            flush=True,
        )


if __name__ == "__main__":
    main()
