"""Texts and bare clones of tiny repositories."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

MIT = "MIT License\n\nPermission is hereby granted, free of charge, to any person\nobtaining a copy of this software, to deal in it.\n"
GPL = "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n" * 3
WORDS = (
    "harbour anchor vessel keel rudder sail mast deck cabin galley compass chart tide current wind storm crew captain pilot "
    "cargo ballast bow stern port starboard hull rope knot buoy lantern"
).split()


def prose(seed: int, count: int = 120) -> str:
    """English-like text that differs for each seed."""
    chosen = np.random.default_rng(seed).choice(WORDS, count)
    return "The story of the " + ",\n".join(" ".join(chosen[start : start + 8]) for start in range(0, count, 8)) + ".\n"


def python_file(seed: int, functions: int = 6) -> str:
    """A small documented Python module that differs for each seed."""
    words = np.random.default_rng(seed).choice(WORDS, (functions, 8))
    return "\n\n".join(
        f'def {row[0]}_{row[1]}_{seed}(value, {row[2]}=1):\n    """Moves the {row[3]} to the {row[4]} and the {row[5]}."""\n'
        f"    {row[6]} = value + {row[2]}\n    return {row[6]} * {seed + index}\n"
        for index, row in enumerate(words)
    )


def remarks(seed: int) -> str:
    """prose() as comment lines of C, Go and Rust."""
    return "".join(f"// {line}\n" for line in prose(seed).splitlines())


def make_repository(mirror: Path, name: str, commits: list[tuple[str, dict[str, str | bytes]]]) -> str:
    """A bare clone "owner+name" with one commit per (subject, files); gives the last commit's name."""
    environment = {
        **os.environ,
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.com",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
    }

    def git(*arguments: str, cwd: Path) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=cwd, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        git("init", "-q", "-b", "main", cwd=folder)
        for subject, files in commits:
            for path, content in files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
            git("add", "-A", "-f", cwd=folder)
            git("commit", "-q", "-m", subject, cwd=folder)
        git("clone", "-q", "--bare", str(folder), str(mirror / name.replace("/", "+")), cwd=mirror)
        return git("rev-parse", "HEAD", cwd=folder)
