"""Parameters, results and errors that doc comments tell, in the forms of Python, JSDoc, Javadoc, PHPDoc and YARD."""

from __future__ import annotations

import re
from typing import NamedTuple

from recipe.reader.sentences import cleaned, split_sentences, teachable


class DocParts(NamedTuple):
    """params: name -> description; returns: description or None; raises: error's name -> its condition."""

    params: dict[str, str]
    returns: str | None
    raises: dict[str, str]


NO_PARTS = DocParts({}, None, {})

# A type stands in braces (JSDoc), in brackets before a name (YARD), or bare before a name with a sign (PHPDoc).
TAG_PARAM = re.compile(
    r"^\s*[@\\]param(?:\[\w+\])?\s+(?:\{[^}]*\}\s+|\[[^\]]*\]\s+(?=\w+\s+[^\s-]))?(?:[\w|\\<>\[\]?]+\s+(?=[$&]))?(.+)$"
)
NAME_FIRST = re.compile(r"^[$&*]*\[?([A-Za-z_]\w*)(?:=[^\]]*)?\]?\s+(?:\[[^\]]*\]\s+)?[-–:]?\s*(.+)$")
TAG_RETURN = re.compile(r"^\s*[@\\]returns?\s+(?:\{[^}]*\}\s*|\[[^\]]*\]\s*)?(.+)$")
TAG_RAISE = re.compile(r"^\s*[@\\](?:throws|exception|raises?)\s+[\[{]?\\?([\w.\\]+)[\]}]?\s+(.+)$")
FIELD = re.compile(r"^\s*:(param|return|returns|raises?)\b\s*(?:[\w.]+\s+(?=\w+:))?([\w.*]*)\s*:\s*(.+)$")
SECTION = re.compile(r"^\s*(Args|Arguments|Parameters|Returns?|Raises)\s*:?\s*$")
ENTRY = re.compile(r"^\s*`?\*{0,2}(\w[\w.]*)`?\s*(?:\([^)]*\))?\s*:\s+(.+)$")
CONDITION = re.compile(r"^(?:if|when|whenever|unless|in case|on|for|where)\b", re.I)


def read_doc(doc: str) -> DocParts:
    """What the tags and sections of a doc comment say; continued lines are joined."""
    parts = DocParts({}, None, {})
    returns: str | None = None
    section = ""
    for line in _joined(cleaned(doc)):
        heading = SECTION.match(line)
        if heading:
            section = heading.group(1).lower()[:3]
            continue
        if tag := TAG_PARAM.match(line):
            if named := NAME_FIRST.match(tag.group(1)):
                _keep(parts.params, named.group(1), named.group(2))
        elif tag := TAG_RETURN.match(line):
            returns = returns or _described(tag.group(1))
        elif tag := TAG_RAISE.match(line):
            _keep(parts.raises, tag.group(1).split("\\")[-1], tag.group(2))
        elif tag := FIELD.match(line):
            if tag.group(1) == "param":
                _keep(parts.params, tag.group(2), tag.group(3))
            elif tag.group(1).startswith("return"):
                returns = returns or _described(tag.group(3))
            else:
                _keep(parts.raises, tag.group(2), tag.group(3))
        elif section and (entry := ENTRY.match(line)):
            if section in ("arg", "par"):
                _keep(parts.params, entry.group(1), entry.group(2))
            elif section == "rai":
                _keep(parts.raises, entry.group(1), entry.group(2))
            else:
                returns = returns or _described(entry.group(2))
        elif section == "ret" and line.strip():
            returns = returns or _described(line)
        elif not line.strip():
            section = section if section in ("arg", "par", "rai") else ""
    return DocParts(parts.params, returns, {k: v for k, v in parts.raises.items() if CONDITION.match(v)})


def _joined(doc: str) -> list[str]:
    """Lines, with those that go on from a tag or entry (indented deeper) appended to it."""
    out: list[str] = []
    depth = -1
    for line in doc.split("\n"):
        indent = len(line) - len(line.lstrip())
        starts = bool(re.match(r"\s*(?:[@\\]\w+|:\w+)", line)) or bool(ENTRY.match(line)) or bool(SECTION.match(line))
        if (
            out
            and line.strip()
            and not starts
            and depth >= 0
            and (indent > depth or (indent == depth == 0 and out[-1].lstrip()[:1] in "@:\\"))
        ):
            out[-1] += " " + line.strip()
        else:
            out.append(line)
            depth = indent if starts and not SECTION.match(line) else -1
    return out


def _described(text: str) -> str | None:
    """The first sentence of a description, without its final stop; None where it cannot teach."""
    found = split_sentences(re.sub(r"\s+", " ", text).strip(" -–:"))
    sentence = found[0].rstrip(" .;,") if found else ""
    return sentence if teachable(sentence, 30) else None


def _keep(into: dict[str, str], name: str, text: str) -> None:
    described = _described(text)
    if described and name and name not in into and name.lower() not in ("the", "a", "an", "type", "this"):
        into[name.lstrip("*$&")] = described
