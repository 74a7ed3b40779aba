"""Languages of the corpus: the language of a file, and how many of its functions carry documentation."""

from __future__ import annotations

import re

EXTENSIONS = {
    "py": "python",
    "pyi": "python",
    "ts": "typescript",
    "tsx": "typescript",
    "mts": "typescript",
    "cts": "typescript",
    "js": "javascript",
    "jsx": "javascript",
    "mjs": "javascript",
    "cjs": "javascript",
    "go": "go",
    "rs": "rust",
    "java": "java",
    "cc": "cpp",
    "cpp": "cpp",
    "cxx": "cpp",
    "hpp": "cpp",
    "hh": "cpp",
    "hxx": "cpp",
    "ipp": "cpp",
    "inl": "cpp",
    "c": "c",
    "h": "c",
    "cs": "csharp",
    "rb": "ruby",
    "rake": "ruby",
    "gemspec": "ruby",
    "php": "php",
    "sh": "shell",
    "bash": "shell",
    "zsh": "shell",
    "bats": "shell",
    "md": "markdown",
    "markdown": "markdown",
    "mdx": "markdown",
    "rst": "rst",
    "adoc": "asciidoc",
}
FILE_NAMES = {"rakefile": "ruby", "gemfile": "ruby"}
DOCUMENTATION = frozenset({"markdown", "rst", "asciidoc"})

SHELL_LINE = re.compile(rb"\A#!\s*\S*(?:/|\benv\s+)(?:ba|z|da|k)?sh\b")


def language_of_path(path: str) -> str | None:
    """The language of a file name; "?" for a name without an extension, whose first line decides; else None."""
    name = path.rsplit("/", 1)[-1].lower()
    if name in FILE_NAMES:
        return FILE_NAMES[name]
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem:
        return None if dot else "?"
    return EXTENSIONS.get(extension)


def language_of_first_line(content: bytes) -> str | None:
    """ "shell" for a script whose first line names a shell, else None."""
    return "shell" if SHELL_LINE.match(content[:80]) else None


def header_language(paths: list[str]) -> str:
    """The language of ".h" files in a repository: "cpp" when its C++ sources outnumber its C sources, else "c"."""
    count = {"c": 0, "cpp": 0}
    for path in paths:
        if not path.endswith(".h"):
            language = language_of_path(path)
            if language in count:
                count[language] += 1
    return "cpp" if count["cpp"] > count["c"] else "c"


# --- documented functions -------------------------------------------------------------------------------------------
PYTHON_FUNCTION = re.compile(
    r"^[ \t]*(?:async[ \t]+)?def[ \t]+\w+[^\n(]*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)[^:\n]*:[^\n]*\n\s*[rRuU]?(?:\"\"\"|''')",
    re.MULTILINE,
)
BLOCK_COMMENT_THEN_LINE = re.compile(
    r"/\*[*!](?:[^*]|\*(?!/))*\*/[ \t]*\n(?:[ \t]*(?:@|#\[|\[|template\b)[^\n]*\n)*([^\n]*)"
)
PLAIN_BLOCK_THEN_LINE = re.compile(r"^/\*(?:[^*]|\*(?!/))*\*/[ \t]*\n([^\n]*(?:\n[^\n]*)?)", re.MULTILINE)
SLASHES_THEN_LINE = re.compile(
    r"^[ \t]*//[/!][^\n]*\n(?:[ \t]*(?:#\[|\[|template\b)[^\n]*\n)*(?![ \t]*//)([^\n]*)", re.MULTILINE
)
GO_FUNCTION = re.compile(r"^//[^\n]*\nfunc\b", re.MULTILINE)
HASH_THEN_LINE = re.compile(r"^[ \t]*#[ \t][^\n]*\n(?![ \t]*#)([^\n]*)", re.MULTILINE)

NOT_A_FUNCTION = re.compile(
    r"^\s*(?:export\s+|default\s+|public\s+|abstract\s+|final\s+|pub(?:\([^)]*\))?\s+|static\s+|declare\s+)*"
    r"(?:class|interface|enum|struct|namespace|module|import|package|typedef|using|type|if|return|for|while|switch|#|mod|use|record|trait|impl)\b"
)
CALL_SHAPE = re.compile(r"[\w$>\]]\s*[(<]|=>|\bfunction\b")


def documented_functions(text: str, language: str) -> int:
    """An estimate of the functions and methods of a source text that carry a docstring or a documentation comment.

    It reads shapes, not syntax trees: good for selecting repositories and sizing splits, not for exact counts.
    """
    if language == "python":
        return len(PYTHON_FUNCTION.findall(text))
    if language == "go":
        return len(GO_FUNCTION.findall(text))
    if language == "ruby":
        return sum(line.lstrip().startswith("def ") for line in HASH_THEN_LINE.findall(text))
    if language == "shell":
        return sum(
            bool(re.match(r"\s*(?:function\s+[\w:.-]+|[\w:.-]+\s*\(\))", line)) for line in HASH_THEN_LINE.findall(text)
        )
    if language == "rust":
        return sum(bool(re.search(r"\bfn\s+\w+", line)) for line in SLASHES_THEN_LINE.findall(text))
    following: list[str] = []
    if language in ("typescript", "javascript", "java", "php", "c", "cpp"):
        following += BLOCK_COMMENT_THEN_LINE.findall(text)
    if language in ("csharp", "cpp", "c"):
        following += SLASHES_THEN_LINE.findall(text)
    if language == "c":
        following += [lines for lines in PLAIN_BLOCK_THEN_LINE.findall(text) if not lines.startswith("#")]
    return sum(bool(CALL_SHAPE.search(line)) and not NOT_A_FUNCTION.match(line) for line in following)
