"""What questions are asked about: functions with and without their comments, constants, and sections of documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from recipe.reader.doc_parts import DocParts, read_doc
from recipe.reader.prompt import Block
from recipe.reader.sentences import first_sentence, prose, split_sentences, statement, teachable

COMMENT = re.compile(r"^\s*(?:///?|\*|/\*|#|--|\"\"\"|@\w|#?\[|<!--|%)")
LITERAL = r"(?:-?\d[\w.]*|None|null|nil|undefined|true|false|True|False|\"[^\"\n]{0,40}\"|'[^'\n]{0,40}')"
CONSTANT = re.compile(
    rf"^(?:\s{{0,4}})(?:(?:export|pub|public|private|protected|internal|static|final|const|constexpr|readonly|let|var)(?:\(\w+\))?\s+)*"
    rf"(?:[\w<>:&]+\s+)?\$?([A-Z][A-Z0-9]*_[A-Z0-9_]+|[A-Z][A-Z0-9]{{4,}})\b(?::\s*[\w&'<> ]+)?\s*=\s*({LITERAL})\s*[;,]?\s*(?:(?:#|//).*)?$"
)
DEFINE = re.compile(rf"^\s*#\s*define\s+([A-Z][A-Z0-9_]{{3,}})\s+\(?({LITERAL})\)?\s*(?:/[*/].*)?$")
DEFAULT = re.compile(rf"\$?\b([A-Za-z_]\w*)\??\s*(?::\s*[^=,(){{}}]+?)?\s*=\s*({LITERAL})\s*(?=[,)\]}}\n])")
HEADING = re.compile(r"^(#{1,4})\s+(.+?)\s*#*\s*$")
LIMIT = 900  # characters of a block at most: some 230 tokens


class Function(NamedTuple):
    """A documented function. `shown` holds its comment, `bare` does not; both may be cut at the end."""

    name: str
    path: str
    language: str
    sentence: str | None
    statement: str | None
    more: str | None
    parts: DocParts
    calls: list[str]
    defaults: dict[str, str]
    code: str
    shown: Block
    bare: Block


class Constant(NamedTuple):
    name: str
    value: str
    path: str
    line: int
    shown: Block


class Section(NamedTuple):
    """A heading of a documentation file, and the first sentences under it."""

    heading: str
    answer: str
    path: str
    shown: Block


def cut(lines: list[str], limit: int = LIMIT) -> list[str]:
    """As many lines from the beginning as stay within the limit (characters)."""
    taken, size = [], 0
    for line in lines:
        size += len(line) + 1
        if taken and size > limit:
            break
        taken.append(line)
    return taken


def dedented(lines: list[str]) -> list[str]:
    depth = min((len(x) - len(x.lstrip()) for x in lines if x.strip()), default=0)
    return [x[depth:] for x in lines]


def function(record: dict, text: list[str]) -> Function | None:
    """A function of the segmenter's output, `text` being the lines of its file; None where the file has changed."""
    start, end = record["startLine"], min(record["endLine"], len(text))
    if start > len(text):
        return None
    first = start
    while first > 1 and start - first < 40 and COMMENT.match(text[first - 2]):
        first -= 1
    lines = cut(dedented(text[first - 1 : end]))
    bare = cut(dedented(record["code"].split("\n")))
    doc, name = record["doc"], record["name"].split(".")[-1]
    sentence = first_sentence(doc)
    following = split_sentences(prose(doc))[1:2]
    return Function(
        name=name,
        path=record["path"],
        language=record["language"],
        sentence=sentence,
        statement=statement(sentence, name) if sentence else None,
        more=following[0] if following and teachable(following[0], 30) else None,
        parts=read_doc(doc),
        calls=[c for c in record["calls"] if len(c) > 2 and c != name],
        defaults=dict(list(DEFAULT.findall(_head(record["code"])))[:8]),
        code=record["code"],
        shown=Block(record["path"], first, first + len(lines) - 1, "\n".join(lines)),
        bare=Block(record["path"], start, start + len(bare) - 1, "\n".join(bare)),
    )


def _head(code: str) -> str:
    """The signature: lines up to the one that opens the body."""
    lines = code.split("\n")[:12]
    for i, line in enumerate(lines):
        if re.search(r"(?:[:{]|=>|\))\s*$", line) and "(" in "".join(lines[: i + 1]) and ")" in line:
            return "\n".join(lines[: i + 1])
    return lines[0]


def constants(document: dict) -> list[Constant]:
    """Named literals of a file, each with some lines around it."""
    if document["language"] in ("markdown", "rst", "asciidoc"):
        return []
    lines = document["text"].split("\n")
    found = []
    for i, line in enumerate(lines):
        match = (CONSTANT.match(line) or DEFINE.match(line)) if len(line) < 160 else None
        if match and match.group(2) not in ('""', "''"):
            a, b = max(0, i - 4), min(len(lines), i + 5)
            text = "\n".join(cut(dedented(lines[a:b]), 600))
            if match.group(1) in text and match.group(2) in text:
                shown = Block(document["path"], a + 1, a + 1 + text.count("\n"), text)
                found.append(Constant(match.group(1), match.group(2), document["path"], i + 1, shown))
    return found[:40]


def sections(document: dict) -> list[Section]:
    """Sections of a Markdown file that begin with plain sentences."""
    if document["language"] != "markdown":
        return []
    lines = document["text"].split("\n")
    at = [i for i, line in enumerate(lines) if HEADING.match(line)]
    found = []
    for i, following in zip(at, [*at[1:], len(lines)]):
        heading = HEADING.match(lines[i]).group(2)
        body = lines[i + 1 : following]
        while body and not body[0].strip():
            body = body[1:]
        sentences = split_sentences(prose("\n".join(body)))
        heading = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip()
        if len(sentences) < 1 or not re.fullmatch(r"[A-Za-z][\w '/()\-.]{3,60}", heading) or len(heading.split()) > 8:
            continue
        if not all(teachable(s) and s[-1] in ".!" for s in sentences[:2]):
            continue
        text = "\n".join(cut(lines[i:following]))
        shown = Block(document["path"], i + 1, i + 1 + text.count("\n"), text)
        found.append(Section(heading, " ".join(sentences[:2]), document["path"], shown))
    return found


class Units(NamedTuple):
    repo: str
    functions: list[Function]
    constants: list[Constant]
    sections: list[Section]


def read_units(stem: Path) -> Units:
    """All units of one repository from the files of `sources`; a doc sentence that many functions share is taken thrice."""
    texts: dict[str, list[str]] = {}
    named: list[Constant] = []
    told: list[Section] = []
    with open(f"{stem}.documents.jsonl", encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            texts[document["path"]] = document["text"].split("\n")
            named += constants(document)
            told += sections(document)
    functions, seen = [], {}
    with open(f"{stem}.functions.jsonl", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            made = function(record, texts[record["path"]]) if record["path"] in texts else None
            key = made.sentence if made else None
            if made is None or seen.get(key, 0) >= (3 if key else 200):
                continue
            seen[key] = seen.get(key, 0) + 1
            functions.append(made)
    return Units(stem.name.replace("+", "/"), functions, named, told)
