"""The rules that leave files out of the corpus: each gives a reason or None.

The rules run in the order of `drop_reason_of_path` and `drop_reason_of_text`. The reasons are the keys of the "drops" table
in stats.json.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter

from recipe.corpus.languages import DOCUMENTATION

MAXIMUM_BYTES = 400_000
MINIMUM_BYTES = 80

# --- paths ----------------------------------------------------------------------------------------------------------
VENDORED = re.compile(
    r"(?:^|/)(?:vendor|vendors|vendored|_vendor|_vendored|third[-_]?party|3rd[-_]?party|thirdparty|external|externals|extern|deps|contrib/libs"
    r"|node_modules|bower_components|jspm_packages|site-packages|Pods|Carthage|\.yarn|\.pnp|gtest|gmock-gtest-all|libs?/(?:jquery|bootstrap)"
    r"|_extern|bundled)/",
    re.IGNORECASE,
)
BUILT = re.compile(
    r"(?:^|/)(?:dist|build/(?:lib|js|dist)|out|target|bin/(?:Debug|Release)|obj|generated|gen|__generated__|_generated|autogen|coverage"
    r"|docs?/search|legacy-docs|versioned_docs|\.next|\.nuxt|\.cache|\.docusaurus|site/static|docs/api/html|public/assets)/"
    r"|(?:[.-]min|[.-]bundle|\.umd|\.iife|[.-]prod|\.pb|_pb2|_pb2_grpc|\.pb\.\w+|_generated|\.generated|\.gen|_gen|\.g|\.designer|zz_\w+|bindata)"
    r"\.(?:js|mjs|cjs|css|ts|go|py|pyi|cc|cpp|h|hpp|rs|java|cs|php|rb|c)$|_string\.go$",
    re.IGNORECASE,
)
TONGUE = (
    r"(?:zh|cn|ja|jp|ko|kr|ru|fr|de|es|pt|it|tr|pl|vi|uk|fa|ar|id|th|uz|nl|cs|hu|ro|sv)(?:[-_](?:[a-z]{2}|hans|hant))?"
)
TRANSLATED = re.compile(
    r"(?:^|/)(?:locales?|i18n|l10n|translations?|nls|lang|messages)/(?:.*/)?[a-z]{2,3}(?:[-_][a-z]{2,4})?(?:/|\.\w+$)"
    rf"|[._-]{TONGUE}\.(?:md|rst|mdx)$|(?:^|/)(?:[a-z]+[-_])?{TONGUE}/.*\.(?:md|rst|mdx|adoc)$",
    re.IGNORECASE,
)
LOGS = re.compile(
    r"(?:^|/)(?:changelog|changes|history|news|release[-_ ]?notes?|releases?|authors|contributors|thanks|credits|backers|sponsors"
    r"|licen[cs]es?|copying|notice|code_of_conduct|third[-_ ]?party[-_ ]?notices?)[^/]*\.(?:md|rst|adoc|mdx|markdown)$"
    r"|(?:^|/)(?:changelogs?|changes|release[-_]?notes|whats_?new|newsfragments|\.changeset)/",
    re.IGNORECASE,
)
FIXTURES = re.compile(
    r"(?:^|/)(?:fixtures?|__fixtures__|testdata|test[-_]data|__snapshots__|snapshots|test262|cassettes|corpus|corpora|goldens?"
    r"|baselines?|test/cases|tests/ui|conformance)/",
    re.IGNORECASE,
)
TESTS = re.compile(
    r"(?:^|/)(?:tests?|__tests__|specs?|e2e|testing|unittests?|integration[-_]?tests?|[\w.]*\.tests?|[\w.]*-tests?|benchmarks?|fuzz)/"
    r"|(?:_test|_spec|\.test|\.spec|Tests?)\.\w+$|(?:^|/)test_[^/]*\.\w+$"
)


def is_test(path: str) -> bool:
    """Whether a path looks like a test: tests are kept, but they are the first to go when a repository is over its share."""
    return bool(TESTS.search(path))


def drop_reason_of_path(path: str, size: int) -> str | None:
    """Why a file is left out by its path or size (bytes), or None."""
    if size > MAXIMUM_BYTES:
        return "over 400 kB"
    if size < MINIMUM_BYTES:
        return "nearly empty"
    for pattern, reason in (
        (VENDORED, "vendored"),
        (BUILT, "built or generated path"),
        (FIXTURES, "fixture"),
        (LOGS, "change log or list"),
        (TRANSLATED, "translation"),
    ):
        if pattern.search(path):
            return reason
    return None


# --- licences -------------------------------------------------------------------------------------------------------
PERMISSIVE_IDS = frozenset(
    {
        "mit",
        "mit-0",
        "apache-2.0",
        "bsd-2-clause",
        "bsd-3-clause",
        "bsd",
        "0bsd",
        "bsd-4-clause",
        "bsd-3-clause-clear",
        "bsd-2-clause-patent",
        "isc",
    }
)
PERMISSIVE_TEXTS = (
    ("Apache-2.0", re.compile(r"apache license,?\s+version 2\.0", re.IGNORECASE)),
    (
        "MIT",
        re.compile(
            r"permission is hereby granted,? free of charge,? to any person obtaining\s+a\s+copy", re.IGNORECASE
        ),
    ),
    (
        "ISC",
        re.compile(
            r"permission to use, copy, modify,? and(?:/or)? distribute this software(?: and its\s+documentation)?\s+for any",
            re.IGNORECASE,
        ),
    ),
    ("BSD", re.compile(r"redistributions? and use in source and binary forms", re.IGNORECASE)),
    ("BSD", re.compile(r"redistribution and use of this software and associated documentation", re.IGNORECASE)),
)
OTHER_TEXTS = re.compile(
    r"GNU\s+(?:Lesser|Affero|Library)?\s*General\s+Public\s+Licen[sc]e|GNU\s+Free\s+Documentation|\b[AL]?GPL[- ]?v?[23]|Mozilla\s+Public\s+Licen[sc]e"
    r"|Eclipse\s+Public\s+Licen[sc]e|Common\s+Development\s+and\s+Distribution|Server\s+Side\s+Public|Business\s+Source\s+Licen[sc]e"
    r"|Commons\s+Clause|Elastic\s+Licen[sc]e|Polyform|Attribution[- ]Non-?Commercial|CC[- ]BY[- ]NC|CC[- ]BY[- ]SA|ShareAlike"
    r"|Microsoft\s+Public\s+Licen[sc]e"
    r"|Open\s+Font\s+Licen[sc]e|proprietary\s+and\s+confidential|European\s+Union\s+Public\s+Licen[sc]e|Sun\s+(?:Public|Industry)\s+\w*\s*Licen[sc]e",
    re.IGNORECASE,
)
SPDX = re.compile(r"SPDX-License-Identifier:\s*\(?([^\r\n*]+)", re.IGNORECASE)
LICENCE_FILE = re.compile(
    r"(?:^|/)(?:(?:mit|apache|bsd)[-_.]licen[sc]e|licen[sc]e|copying|copyright|copyrights|unlicense)(?:[-_.][\w.+-]*)?$",
    re.IGNORECASE,
)

NOT_A_LICENCE = re.compile(
    r"\.(?:py|ts|js|go|rs|java|c|h|cs|rb|php|sh|html|json|tmpl|erb|png|svg)$|/[a-z_-]+\.(?:rst|md|mdx|adoc)$"
)

LICENCES_OF_OTHERS = re.compile(r"third|depend|copyright|extra|docs", re.IGNORECASE)
"""Root files that list the licences of bundled parts, not of the repository."""


def is_licence_file(path: str) -> bool:
    """Whether a path is a licence text (LICENSE, COPYING.txt, LICENSE-MIT ...), at the root or in a folder, not a page about one."""
    return bool(LICENCE_FILE.search(path)) and not NOT_A_LICENCE.search(path)


def licences_of_text(text: str) -> tuple[set[str], bool]:
    """The permissive licences whose words stand in a licence text, and whether words of another licence stand there."""
    text = re.sub(r"[\s#*]+", " ", text)
    names = {name for name, pattern in PERMISSIVE_TEXTS if pattern.search(text)}
    rest = re.sub(r"(?:not|non)[- ](?:the )?\bL?GPL[-\w.]*", "", text)
    return names, bool(OTHER_TEXTS.search(rest))


def spdx_is_permissive(expression: str) -> bool:
    """Whether an SPDX expression can be satisfied with permissive licences alone ("MIT OR GPL-2.0" can)."""
    expression = re.sub(r"\*/.*|-->.*|[()\"';]", " ", expression).strip()
    for choice in re.split(r"\s+or\s+|\s*/\s*", expression, flags=re.IGNORECASE):
        wanted = [
            re.sub(r"\s+with\s+.*", "", part.strip(), flags=re.IGNORECASE).lower()
            for part in re.split(r"\s+and\s+", choice, flags=re.IGNORECASE)
        ]
        if wanted and all(part in PERMISSIVE_IDS for part in wanted):
            return True
    return False


def header_refuses(head: str, documentation: bool) -> bool:
    """Whether the first lines of a file put it under a licence that is not permissive."""
    spdx = SPDX.search(head)
    if spdx:
        return not spdx_is_permissive(spdx.group(1))
    if documentation:
        return bool(
            re.search(r"CC[- ]BY[- ](?:NC|SA)|NonCommercial|GNU\s+Free\s+Documentation", head[:1500], re.IGNORECASE)
        )
    return bool(OTHER_TEXTS.search(head))


# --- text -----------------------------------------------------------------------------------------------------------
GENERATED = re.compile(
    r"@generated\b|DO NOT EDIT|do not (?:edit|modify) (?:this file|manually|by hand|directly)|automatically generated|auto-?generated|autogenerated"
    r"|<auto-generated|generated by (?:the )?(?:protocol buffer|protoc|thrift|swig|bison|flex|re2c|antlr|cython|bindgen|openapi|swagger|a tool)"
    r"|this file (?:is|was|has been) (?:\w+ )?generated|code generated .{0,60}\bby\b|machine[- ]generated",
    re.IGNORECASE,
)
SECRETS = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----[^-]{0,200}?[A-Za-z0-9+/]{40}"
    r"|\b(?:AKIA|ASIA|AROA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}\b|\bya29\.[0-9A-Za-z_-]{30,}|\bgh[pousr]_[A-Za-z0-9]{36,}\b"
    r"|\bgithub_pat_[A-Za-z0-9_]{40,}\b"
    r"|\bglpat-[A-Za-z0-9_-]{20}\b|\bxox[abeoprs]-[0-9A-Za-z-]{20,}|hooks\.slack\.com/services/T[0-9A-Z]{8,}/B[0-9A-Z]{8,}/\w{20,}"
    r"|\b[rs]k_live_[0-9a-zA-Z]{20,}|\bnpm_[A-Za-z0-9]{36}\b|\bpypi-AgE[A-Za-z0-9_-]{50,}|\bSG\.[\w-]{22}\.[\w-]{43}\b|\bsk-[A-Za-z0-9]{48}\b"
    r"|\bsk-(?:proj|ant)-[\w-]{40,}|AccountKey=[A-Za-z0-9+/]{80,}==|\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,}"
)
SECRET_MARKS = (
    "PRIVATE KEY",
    "AKIA",
    "ASIA",
    "AROA",
    "AIza",
    "ya29.",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "hooks.slack.com",
    "k_live_",
    "npm_",
    "pypi-",
    "SG.",
    "sk-",
    "AccountKey=",
    "eyJ",
)
"""Every secret has one of these in it: texts without them skip the slow pattern."""
EXAMPLE_KEYS = re.compile(r"\b(?:AKIA|ASIA|AROA)[0-9A-Z]*EXAMPLE\b")


def has_secret(text: str) -> bool:
    """Whether a text holds something shaped like a private key or an access token (documented example keys are fine)."""
    return any(mark in text for mark in SECRET_MARKS) and bool(SECRETS.search(EXAMPLE_KEYS.sub("", text)))


def entropy(text: str) -> float:
    """Bits per character of a text's character frequencies."""
    total = len(text)
    return -sum(count / total * math.log2(count / total) for count in Counter(text).values())


ENGLISH = frozenset(
    "the of to and a in is for this that with be are it on you as can not if from will by an or".split()
)
OTHER_TONGUES = frozenset(
    "de la el los las un una que para por con les des du une est pour dans und der die das ist nicht ein eine mit von "
    "da do os com il di che per non het een van niet voor na nie jest ve bir bu va uchun".split()
)


def is_foreign(text: str) -> bool:
    """Whether the common words of a documentation text belong to another language than English (Latin script)."""
    words = re.findall(r"[a-z]+", text.lower())
    return sum(word in OTHER_TONGUES for word in words) > max(8, 1.2 * sum(word in ENGLISH for word in words))


def statistics_refuse(text: str, documentation: bool) -> str | None:
    """Why the shape of a text is not that of a hand-written file, or None."""
    lines = text.splitlines()
    longest = max(map(len, lines))
    mean = len(text) / len(lines)
    if documentation:
        if longest > 6000 or mean > 1200:
            return "line length"
    elif longest > 1000 or mean > 110:
        return "line length"
    sample = text[:40_000]
    size = len(sample)
    blank = sum(map(sample.count, " \n\t\r"))
    letters = len(re.findall(r"[^\W\d_]", sample))
    if letters < 0.35 * (size - blank):
        return "data rather than prose or code"
    if len(sample.encode()) - size > (0.12 if documentation else 0.2) * size or (documentation and is_foreign(sample)):
        return "not English"
    if not 2.8 <= entropy(sample) <= 5.9:
        return "entropy"
    if len(zlib.compress(sample.encode(), 1)) < 0.075 * size:
        return "repetitive"
    return None


def drop_reason_of_text(text: str, language: str) -> str | None:
    """Why a file is left out by its content, or None. `text` is not empty."""
    documentation = language in DOCUMENTATION
    head = text[:4000]
    if header_refuses(head, documentation):
        return "licence header"
    if GENERATED.search(head[:1200] if documentation else head[:2500]):
        return "generated"
    if has_secret(text):
        return "secret"
    if len(text.strip()) < MINIMUM_BYTES:
        return "nearly empty"
    return statistics_refuse(text, documentation)


def decode(content: bytes) -> str | None:
    """The text of a file: UTF-8 without a byte-order mark and with "\\n" line ends, or None when it is not such text."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
