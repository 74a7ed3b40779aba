"""Questions about one unit and the answers its own text gives."""

from __future__ import annotations

import random
import re
from typing import NamedTuple

from recipe.reader.sentences import VERBS, lowered, third_person
from recipe.reader.units import Constant, Function, Section


class Question(NamedTuple):
    """kind, what is asked, the answer, strings that a right answer holds, and the name that it is about."""

    kind: str
    question: str
    answer: str
    facts: list[str]
    about: str


# Names that every file calls: nobody asks who calls them.
COMMON_CALLS = set(
    """pub min max len str int float bool list dict set type map filter Err Some None panic print println printf format
    vec push append pop get isinstance hasattr getattr setattr super init new make new_ into from unwrap expect clone
    String Number Boolean Error Object Array toString equals hashCode size add put nameof typeof sizeof require assert
    isset empty count end case null void self this then catch is_null iter""".split()
)
NOUN_PHRASE = re.compile(
    r"^(?:the|a|an|any|all|some|this|optional|each|one|how|what|which|where|when|number|list|name)\b", re.I
)


def asked(rng: random.Random, forms: list[str], name: str, **more: str) -> str:
    """One of the forms, the name bare or in backticks, as people type it."""
    return rng.choice(forms).format(n=name if rng.random() < 0.6 else f"`{name}`", **more)


def joined(names: list[str]) -> str:
    quoted = [f"`{n}`" for n in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " and " + quoted[-1]


def about_function(f: Function, rng: random.Random) -> list[Question]:
    """Every question that this function's comment and code answer."""
    found = [_place(f, rng)]
    if f.statement:
        found += _purpose(f, rng)
    for name, text in f.parts.params.items():
        if re.search(rf"\b{re.escape(name)}\b", f.shown.text):
            found.append(_parameter(f, name, text, rng))
    if f.parts.returns:
        found.append(_result(f, f.parts.returns, rng))
    for error, condition in f.parts.raises.items():
        question = asked(
            rng,
            ["When does {n} raise {e}?", "In which case does {n} fail with {e}?", "Why would {n} throw {e}?"],
            f.name,
            e=error,
        )
        condition = condition.rstrip(".")
        found.append(
            Question("raises", question, f"`{f.name}` raises `{error}` {lowered(condition)}.", [error], f.name)
        )
    for name, value in f.defaults.items():
        if value in f.shown.text:
            forms = [
                "What is the default of {p} in {n}?",
                "What does {p} of {n} default to?",
                "Which value does {n} use for {p} by default?",
                "default value of {p} in {n}?",
            ]
            found.append(
                Question(
                    "default",
                    asked(rng, forms, f.name, p=name),
                    f"`{name}` defaults to `{value}`.",
                    [value],
                    f"{f.name} {name}",
                )
            )
    called = [c for c in f.calls if c not in COMMON_CALLS and re.search(rf"\b{re.escape(c)}\b", f.shown.text)]
    if 1 <= len(called) <= 4 and len(called) >= len(f.calls) - 1:
        forms = ["What does {n} call?", "Which functions does {n} call?", "What other functions are used by {n}?"]
        found.append(
            Question("calls", asked(rng, forms, f.name), f"`{f.name}` calls {joined(called)}.", called, f.name)
        )
    return found + _errors(f, rng)


def _place(f: Function, rng: random.Random) -> Question:
    forms = [
        "Where is {n} defined?",
        "Where is {n}?",
        "Which file defines {n}?",
        "In which file is {n}?",
        "where can I find {n}",
    ]
    answer = f"`{f.name}` is defined in `{f.path}`, lines {f.shown.first}-{f.shown.last}."
    return Question("where", asked(rng, forms, f.name), answer, [f.path], f.name)


def _purpose(f: Function, rng: random.Random) -> list[Question]:
    forms = [
        "What does {n} do?",
        "What is {n} for?",
        "How does {n} work?",
        "Explain {n}.",
        "What does the function {n} do?",
        "Describe {n}.",
        "what does {n} do",
    ]
    answer = f.statement or ""
    if f.more and f.more.split()[0].lower() not in ("this", "these", "see"):
        answer += " " + f.more.rstrip(" .") + "."
    if f.parts.returns and "return" not in answer and rng.random() < 0.4:
        answer += f" It returns {lowered(f.parts.returns)}."
    found = [Question("purpose", asked(rng, forms, f.name), answer, [f.name], f.name)]
    said = (f.statement or "").removeprefix(f"`{f.name}` ").rstrip(".")
    if f.name.lower() not in said.lower() and 4 <= len(said.split()) <= 22:
        question = rng.choice(
            ["Which function {p}?", "Which function here {p}?", "What is the name of the function that {p}?"]
        ).format(p=said)
        found.append(Question("which", question, f"`{f.name}` in `{f.path}` {said}.", [f.name, f.path], said))
        order = said.split(" ", 1)
        base = next((v for v in VERBS if third_person(v) == order[0]), None)
        if base and len(order) == 2 and base not in ("return", "indicate"):
            question = rng.choice(
                ["How do I {p}?", "How can I {p}?", "What can I use to {p}?", "Is there a way to {p}?"]
            ).format(p=f"{base} {order[1]}")
            answer = f"Use `{f.name}` in `{f.path}`. It {said}."
            found.append(Question("how", question, answer, [f.name], said))
    return found


def _parameter(f: Function, name: str, text: str, rng: random.Random) -> Question:
    forms = [
        "What is the {p} parameter of {n}?",
        "What is {p} in {n}?",
        "What does {p} of {n} mean?",
        "What should I pass as {p} to {n}?",
    ]
    said = lowered(text)
    if re.match(r"(?:if|whether|when)\b", said):
        answer = f"`{name}` says {said}." if said.startswith("whether") else f"`{name}` matters as follows: {said}."
    elif NOUN_PHRASE.match(said):
        answer = f"`{name}` is {said}."
    else:
        answer = f"The comment says of `{name}`: {said}."
    return Question("parameter", asked(rng, forms, f.name, p=name), answer, [name], f"{f.name} {name}")


def _result(f: Function, text: str, rng: random.Random) -> Question:
    said = lowered(text)
    forms = ["What does {n} return?", "What is the return value of {n}?", "What do I get from {n}?"]
    said = re.sub(r"^returns?\s+", "", said)
    return Question("returns", asked(rng, forms, f.name), f"`{f.name}` returns {said}.", [f.name], f.name)


MESSAGE = re.compile(
    r"(?:raise|throw|throw new|panic!?|errors\.New|fmt\.Errorf|new \w*(?:Error|Exception)|\w+(?:Error|Exception))\s*(?:new\s+)?(\w*(?:Error|Exception)?)?\(\s*(?:[fbr]{0,2})\"([A-Z a-z'`,.:;-]{12,80})\""
)


def _errors(f: Function, rng: random.Random) -> list[Question]:
    found = []
    for match in list(MESSAGE.finditer(f.shown.text))[:2]:
        message = match.group(2).strip()
        forms = [
            'Where does the error "{m}" come from?',
            'Which function fails with "{m}"?',
            'I get "{m}". What raises it?',
        ]
        question = rng.choice(forms).format(m=message)
        found.append(
            Question("error", question, f"`{f.name}` in `{f.path}` fails with this message.", [f.name, f.path], message)
        )
    return found


def about_constant(c: Constant, rng: random.Random) -> list[Question]:
    forms = [
        "What is the value of {n}?",
        "What is {n}?",
        "What is {n} set to?",
        "value of {n}",
        "How large is {n}?" if c.value.isdigit() else "Which value does {n} have?",
    ]
    place = ["Where is {n} defined?", "Which file defines {n}?", "Where is {n} set?"]
    return [
        Question("constant", asked(rng, forms, c.name), f"`{c.name}` is `{c.value}`.", [c.value], c.name),
        Question(
            "where", asked(rng, place, c.name), f"`{c.name}` is defined in `{c.path}`, line {c.line}.", [c.path], c.name
        ),
    ]


def about_section(s: Section, rng: random.Random) -> list[Question]:
    first, _, rest = s.heading.partition(" ")
    forms = [
        "What do the docs say about {h}?",
        "What does the documentation say about {h}?",
        "Tell me about {h}.",
        "{h}?",
    ]
    if first.endswith("ing") and rest:
        forms += ["How does {h} work?"] * 2
    elif first.lower() in VERBS and rest:
        forms = ["How do I {h}?", "How can I {h}?"]
    elif len(s.heading.split()) <= 3:
        forms += ["What is {h}?"]
    question = rng.choice(forms).format(h=lowered(s.heading))
    return [Question("section", question, s.answer, [], s.heading)]


def about_several(functions: list[Function], rng: random.Random) -> list[Question]:
    """Questions whose answer needs more than one block: who calls what, lists, comparisons."""
    found = []
    callees: dict[str, list[str]] = {}
    for f in functions:
        for c in f.calls:
            if re.search(rf"\b{re.escape(c)}\s*[(!<]", f.shown.text):
                callees.setdefault(c, []).append(f.name)
    for callee, callers in callees.items():
        if callee in COMMON_CALLS:
            continue
        mentions = sum(callee in f.shown.text for f in functions)
        if mentions != len(callers) or len(set(callers)) != len(callers):
            continue
        verb = "call" if len(callers) > 1 else "calls"
        question = asked(
            rng, ["What calls {n}?", "Which functions call {n}?", "Who calls {n}?", "Where is {n} called?"], callee
        )
        kind = "list" if len(callers) > 1 else "called-by"
        found.append(Question(kind, question, f"{joined(callers)} {verb} `{callee}`.", callers, callee))
    told = [f for f in functions if f.statement and len(f.statement.split()) <= 22]
    if len(told) >= 2:
        a, b = rng.sample(told, 2)
        if a.name != b.name:
            forms = [
                "How do {a} and {b} differ?",
                "What is the difference between {a} and {b}?",
                "Compare {a} and {b}.",
            ]
            question = rng.choice(forms).format(a=a.name, b=b.name)
            answer = f"{(a.statement or '').rstrip('.')}, whereas {b.statement}"
            found.append(Question("compare", question, answer, [a.name, b.name], f"{a.name} {b.name}"))
    names = list(dict.fromkeys(f.name for f in functions))
    if 2 <= len(names) <= 4:
        question = rng.choice(
            [
                "Which functions are shown here?",
                "List the functions in these sources.",
                "Which functions do the sources define?",
            ]
        )
        found.append(Question("list", question, f"The sources define {joined(names)}.", names, "*"))
    return found
