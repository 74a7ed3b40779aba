"""Doc comments as plain sentences: markup taken off, the first sentence found, an order turned into a statement."""

from __future__ import annotations

import re

MARKUP = [
    (re.compile(r"\{@\w+\s+([^}]*)\}"), r"`\1`"),  # {@link Name}
    (re.compile(r"</?code>|</?tt>"), "`"),
    (re.compile(r"<[^<>\n]{1,40}>"), ""),
    (re.compile(r":\w+(?::\w+)?:`~?\.?([^`<]+?)(?:\s*<[^`>]*>)?`"), r"`\1`"),  # :meth:`name`
    (re.compile(r"`{2,3}"), "`"),
    (re.compile(r"!\[[^\]]*\]\([^)]*\)"), ""),
    (re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\[[^\]]*\])"), r"\1"),  # [text](link)
    (re.compile(r"\[(`[^`\]]+`)\]"), r"\1"),  # [`Name`] of rustdoc
    (re.compile(r"\*\*([^*]+)\*\*"), r"\1"),
    (re.compile(r"^\s*(?:@brief|\\brief|@description|@summary|@desc)\s+", re.I), ""),
]
ABBREVIATION = re.compile(r"(?:e\.g|i\.e|etc|vs|cf|approx|incl|[A-Z])\.$")
END_OF_SENTENCE = re.compile(r"[.!?](?=[\"')`]*(?:\s|$))")
# Doc lines that begin a part of its own: tags, headings of sections, lists, code.
PART = re.compile(
    r"^\s*(?:@\w+|:\w+.*:|\\\w+|#{1,6}\s|[-=~*^]{3,}|[-*+]\s|\d+[.)]\s|>>>|```|\.\. |<\w+|"
    r"(?:Args|Arguments|Parameters|Params|Returns?|Raises|Yields|Throws|Examples?|Notes?|Usage|See also|Attributes|Panics|Errors|Safety|Warning)\s*:?\s*$)",
    re.I,
)
NOISE = re.compile(
    r"https?://|\bTODO\b|\bFIXME\b|\bXXX\b|@deprecated|eslint|nocheck|copyright|licen[sc]e|inheritdoc|^\W*$|noqa|pragma|auto-?generated",
    re.I,
)
# Bases whose third person is not base + "s".
VERBS = set(
    """return get set create make build add remove delete update check test validate verify parse convert compute calculate
    find search look read write load save open close start stop run execute call invoke apply register unregister handle
    process send receive emit raise throw convert transform map filter sort merge split join append insert prepend pop push
    push pull fetch retrieve determine decide define declare initialize initialise construct wrap unwrap encode decode
    serialize deserialize format render print log display show hide enable disable configure generate produce provide give
    take put copy clone compare match replace reset clear clean flush drop destroy free allocate reserve resize grow shrink
    count sum iterate yield iterate collect gather group resolve reject wait block yield spawn fork kill schedule queue
    enqueue dequeue dispatch trigger fire notify publish subscribe unsubscribe listen connect disconnect bind unbind attach
    detach mount unmount install uninstall import export extract compress decompress expand collapse normalize normalise
    sanitize escape unescape quote unquote strip trim pad truncate round clamp scale rotate translate move swap shift reverse
    invert negate increment decrement advance skip seek rewind reserve lock unlock acquire release perform mark unmark
    assert ensure require allow deny accept refuse prevent force try attempt use assign lookup list store keep restore
    record report track measure estimate sample draw fill paint select choose pick identify detect inspect examine analyze
    analyse evaluate interpret compile link load unload tell ask request respond reply redirect forward route serve
    authenticate authorize sign verify hash encrypt decrypt indicate specify change modify edit adjust adapt override extend
    inherit implement delegate defer pass bring fall go do simulate mock stub fake patch upgrade downgrade migrate
    combine concatenate chain compose zip flatten reduce fold scan traverse walk visit descend ascend enter exit leave begin
    end finish complete abort cancel retry recover rollback commit stage prepare setup turn switch toggle cycle wrap limit
    throttle debounce delay sleep pause resume suspend consume drain peek poll assemble dump describe document signal setup
    obtain yield guess infer derive deduce bump refresh reload rebuild recreate recompute redraw mix blend""".split()
)


def cleaned(doc: str) -> str:
    """A doc comment without markup, its line structure kept."""
    for pattern, by in MARKUP:
        doc = pattern.sub(by, doc)
    return doc.replace("\r", "")


def prose(doc: str) -> str:
    """The running text before the first part of its own (tags, lists, examples), as one line."""
    lines = []
    for line in cleaned(doc).split("\n"):
        if PART.match(line) or (not line.strip() and lines):
            break
        if line.strip():
            lines.append(line.strip())
    return re.sub(r"\s+", " ", " ".join(lines)).strip()


def split_sentences(text: str) -> list[str]:
    """Sentences with their final mark; a text without one is a sentence too."""
    found, start = [], 0
    for end in END_OF_SENTENCE.finditer(text):
        piece = text[start : end.end()]
        if ABBREVIATION.search(piece):
            continue
        found.append(piece.strip())
        start = end.end()
    rest = text[start:].strip()
    return [s for s in (*found, *([rest] if rest else [])) if s]


def first_sentence(doc: str) -> str | None:
    """The first sentence of a doc comment if it can teach: plain words, 3 to 40 of them, balanced marks; else None."""
    found = split_sentences(prose(doc))
    if not found:
        return None
    sentence = found[0].rstrip(":")
    return sentence if teachable(sentence) else None


def teachable(sentence: str, most: int = 40) -> bool:
    words = sentence.split()
    return (
        3 <= len(words) <= most
        and len(sentence) <= 260
        and sentence.isascii()
        and not NOISE.search(sentence)
        and sentence.count("`") % 2 == 0
        and sentence.count("(") == sentence.count(")")
        and sum(c.isalpha() or c == " " for c in sentence) >= 0.75 * len(sentence)
        and bool(re.match(r"[A-Za-z`]", sentence))
    )


def third_person(verb: str) -> str:
    if verb == "do":
        return "does"
    if re.search(r"(?:s|sh|ch|x|z|go)$", verb):
        return verb + "es"
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + "s"


def statement(sentence: str, name: str) -> str | None:
    """A doc's first sentence said of `name`: "Return the size." -> "`size` returns the size."; None where it is no order."""
    bare = name.split(".")[-1]
    text = sentence.rstrip(" .;") + "."
    own = re.match(rf"`?{re.escape(bare)}`?(?:\(\))?\s+(\w+)", text)
    if own and own.group(1).endswith("s"):  # Go: "Name does ..."
        return f"`{bare}`" + text[own.start(1) - 1 :]
    word = re.match(r"[A-Za-z]+", text)
    if not word:
        return None
    first, rest = word.group().lower(), text[word.end() :]
    if rest[:1] not in (" ", ","):
        return None
    if first in VERBS:
        first = third_person(first)
    elif not (first.endswith("s") and any(third_person(v) == first for v in VERBS)):
        return None
    return f"`{bare}` {first}{rest}"


def lowered(text: str) -> str:
    """With a small first letter, unless the first word is a name or all capitals."""
    return text[0].lower() + text[1:] if re.match(r"[A-Z][a-z]*(?:\s|$)", text) else text
