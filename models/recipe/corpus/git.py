"""Reading bare git directories: the files of one commit and the history behind it, without a work tree."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TreeEntry:
    """One regular file of a commit: its path, its object name, its size in bytes."""

    path: str
    oid: str
    size: int


@dataclass(frozen=True)
class Commit:
    """One commit: its object name, the first line of its message, the paths it touched."""

    oid: str
    subject: str
    paths: tuple[str, ...]


def git_directory(mirror: Path, repository: str) -> Path | None:
    """The git directory of "owner/name" under a mirror folder (owner+name, owner+name/repo, owner+name.git), else None."""
    base = repository.replace("/", "+")
    for candidate in (base, f"{base}/repo", f"{base}/repo/.git", f"{base}/.git", f"{base}.git"):
        if (mirror / candidate / "HEAD").is_file() and (mirror / candidate / "objects").is_dir():
            return mirror / candidate
    return None


def git(directory: Path, *arguments: str, limit_s: float = 300) -> bytes:
    """The output of one git command; raises CalledProcessError when git refuses."""
    command = ["git", "-c", "core.quotePath=off", f"--git-dir={directory}", *arguments]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=limit_s
    ).stdout


def head_commit(directory: Path) -> str:
    """The object name (40 hex digits) of the commit HEAD points at."""
    return git(directory, "rev-parse", "HEAD^{commit}").decode().strip()


def tree(directory: Path, commit: str) -> list[TreeEntry]:
    """The regular files of a commit, sorted by path. Links, submodules and absent objects are left out."""
    entries = []
    for row in git(directory, "ls-tree", "-r", "-l", "-z", commit).split(b"\0"):
        meta, _, path = row.partition(b"\t")
        fields = meta.split()
        if len(fields) == 4 and fields[0] in (b"100644", b"100755") and fields[3].isdigit():
            try:
                entries.append(TreeEntry(path.decode("utf-8"), fields[2].decode(), int(fields[3])))
            except UnicodeDecodeError:
                continue
    return sorted(entries, key=lambda entry: entry.path)


def read_blobs(directory: Path, entries: list[TreeEntry]) -> Iterator[tuple[TreeEntry, bytes]]:
    """Each entry with its content, in order, through one `git cat-file --batch`; entries the store lacks are skipped."""
    command = ["git", f"--git-dir={directory}", "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None and process.stdout is not None
        for start in range(0, len(entries), 256):  # 256 requests are about 11 kB, far under what a pipe holds
            batch = entries[start : start + 256]
            process.stdin.write("".join(entry.oid + "\n" for entry in batch).encode())
            process.stdin.flush()
            for entry in batch:
                header = process.stdout.readline().split()
                if not header:
                    raise OSError(f"git cat-file ended early in {directory}")
                if len(header) == 3 and header[1] == b"blob":
                    content = process.stdout.read(int(header[2]))
                    process.stdout.read(1)
                    yield entry, content
        process.stdin.close()


def history(directory: Path, commit: str, limit: int) -> list[Commit]:
    """Up to `limit` non-merge commits before and including `commit`, newest first; empty when the mirror has no history."""
    try:
        raw = git(
            directory,
            "log",
            "--no-merges",
            "--no-renames",
            "--name-only",
            f"-n{limit}",
            "-z",
            "--format=%x01%H%x02%s%x02",
            commit,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return []
    _, *fields = re.split(r"\x01([0-9a-f]{40,64})\x02", raw.decode("utf-8", "replace"))
    commits = []
    for oid, record in zip(fields[::2], fields[1::2]):
        subject, _, names = record.rpartition("\x02")  # a subject may itself hold the mark: old messages hold any byte
        paths = tuple(path for path in names.strip("\0\n").replace("\n", "\0").split("\0") if path)
        commits.append(Commit(oid, subject.strip(), paths))
    return commits
