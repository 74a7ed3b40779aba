"""Builds the training corpus of the bundled model from public Git mirrors.

    python -m recipe.corpus.build --mirror DIR --out DIR

`--mirror` holds one bare clone per repository of repositories.json, in a folder named owner+name. The output folder gets

    train-NNNN.jsonl.gz, valid.jsonl.gz, test.jsonl.gz      one file a line: {repo, commit, path, language, text}
    commits-train.jsonl.gz, -valid, -test                   one commit a line: {repo, commit, subject, paths}
    stats.json                                              files, bytes, documented functions, drops by reason
    DONE                                                    written last: the key of the run that is complete

Splits are by repository, so no repository is in two of them. Every step is seeded: the same mirror gives the same bytes.
A second run reads staged repositories back and does nothing at all when DONE already stands for the same inputs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from recipe.config import home
from recipe.corpus import git, splits, write
from recipe.corpus.dedupe import Hasher, Protected, near_duplicates
from recipe.corpus.excluded import refuse_evaluation
from recipe.corpus.languages import DOCUMENTATION
from recipe.corpus.repository import LicenceRefused, Staged, seeded, source_key, stage_repository
from recipe.corpus.splits import SPLITS, split_of
from recipe.corpus.write import write_commits, write_files


def protected_functions(path: Path | None) -> list[str]:
    """The source texts of a JSON file: a list of texts, or an object whose keys are texts."""
    return list(json.loads(path.read_text())) if path else []


def stage_all(entries: list[dict], arguments: argparse.Namespace, drops: Counter) -> list[tuple[str, Staged]]:
    """Stages every repository; gives (split, staged), best preference first. A missing mirror is an error unless allowed."""
    hasher = Hasher(arguments.seed)
    functions = protected_functions(arguments.protect)
    protected = Protected(hasher, functions)
    key = hashlib.sha256("\n".join((source_key(), str(arguments.seed), *sorted(functions))).encode()).hexdigest()
    staged = []
    for number, entry in enumerate(entries, 1):
        repository = entry["repo"]
        directory = git.git_directory(arguments.mirror, repository)
        if directory is None:
            if not arguments.allow_missing:
                raise FileNotFoundError(
                    f"{repository}: no bare clone under the mirror folder (--allow-missing goes on without it)"
                )
            drops["repository missing"] += 1
            continue
        try:
            one = stage_repository(
                repository,
                entry["commit"],
                directory,
                arguments.stage or arguments.out / "stage",
                hasher,
                protected,
                int(arguments.repository_cap_mb * 1e6),
                key,
            )
        except LicenceRefused as refusal:
            print(f"refused: {refusal}", file=sys.stderr)
            drops["repository licence"] += 1
            continue
        print(
            f"{number}/{len(entries)} {repository}: {len(one.files)} files, {sum(f['bytes'] for f in one.files) / 1e6:.1f} MB",
            flush=True,
        )
        drops.update(one.drops)
        staged.append((split_of(entry, arguments.seed), one))
    staged.sort(key=lambda item: (SPLITS.index(item[0]), seeded(arguments.seed, "order", item[1].repository)))
    return staged


def drop_duplicates(staged: list[tuple[str, Staged]], drops: Counter) -> list[np.ndarray]:
    """One bool array [files] per repository: which of its files stay after exact and near de-duplication over the whole corpus."""
    exact: set[str] = set()
    keep = []
    for _, one in staged:
        kept = np.zeros(len(one.files), dtype=bool)
        for index, file in enumerate(one.files):
            kept[index] = file["exact"] not in exact
            exact.add(file["exact"])
        drops["exact duplicate"] += int((~kept).sum())
        keep.append(kept)
    if staged:
        repeated = near_duplicates(np.concatenate([one.signatures[kept] for (_, one), kept in zip(staged, keep)]))
        drops["near duplicate"] += int(repeated.sum())
        start = 0
        for kept in keep:
            count = int(kept.sum())
            kept[np.flatnonzero(kept)[repeated[start : start + count]]] = False
            start += count
    return keep


def apply_language_caps(
    staged: list[tuple[str, Staged]], keep: list[np.ndarray], arguments: argparse.Namespace, drops: Counter
) -> None:
    """Thins the training files of a language over its cap (and documentation over its share) in seeded order; edits `keep`."""
    by_group: dict[str, list[tuple[int, int, int, int]]] = defaultdict(list)
    for number, (split, one) in enumerate(staged):
        for index in np.flatnonzero(keep[number]) if split == "train" else ():
            file = one.files[index]
            group = "documentation" if file["language"] in DOCUMENTATION else file["language"]
            by_group[group].append(
                (seeded(arguments.seed, "cap", one.repository, file["path"]), file["bytes"], number, int(index))
            )
    limits = {group: arguments.language_cap_mb * 1e6 for group in by_group}
    sources = sum(
        min(limits[group], sum(row[1] for row in rows)) for group, rows in by_group.items() if group != "documentation"
    )
    if sources:
        share = arguments.documentation_share
        limits["documentation"] = max(sources * share / (1 - share), 1e6)
    for group, rows in by_group.items():
        total = 0
        for _, size, number, index in sorted(rows):
            if total + size > limits[group]:
                keep[number][index] = False
                drops["language cap"] += 1
            else:
                total += size


def statistics(staged: list[tuple[str, Staged]], keep: list[np.ndarray], drops: Counter, commits: Counter) -> dict:
    """What stats.json says: per split and language the files, bytes and documented functions (estimates), and every drop."""
    splits: dict = {split: {"repositories": 0, "languages": {}} for split in SPLITS}
    repositories = []
    for (split, one), kept in zip(staged, keep):
        splits[split]["repositories"] += 1
        totals: Counter = Counter()
        for file, stays in zip(one.files, kept):
            if stays:
                row = splits[split]["languages"].setdefault(
                    file["language"], {"files": 0, "bytes": 0, "documented_functions": 0}
                )
                for name, amount in (
                    ("files", 1),
                    ("bytes", file["bytes"]),
                    ("documented_functions", file["documented"]),
                ):
                    row[name] += amount
                    totals[name] += amount
        repositories.append(
            {
                "repo": one.repository,
                "commit": one.commit,
                "split": split,
                "licences": one.licences,
                "history": len(one.commits),
                **totals,
            }
        )
    for table in splits.values():
        for name in ("files", "bytes", "documented_functions"):
            table[name] = sum(row[name] for row in table["languages"].values())
    without_history = sum(len(one.commits) <= 1 for _, one in staged)
    return {
        "splits": splits,
        "drops": dict(drops.most_common()),
        "commits": {"pairs": dict(commits), "repositories_without_history": without_history},
        "repositories": repositories,
    }


def main(argv: list[str] | None = None) -> int:
    """Reads the command line, builds the corpus; 0 when the output folder is complete."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--repositories",
        type=Path,
        default=here / "repositories.json",
        help="list of {repo, commit, licence, languages, split}",
    )
    parser.add_argument("--mirror", type=Path, required=True, help="folder of bare clones named owner+name")
    parser.add_argument("--out", type=Path, default=home() / "corpus")
    parser.add_argument(
        "--stage", type=Path, help="folder of staged repositories, shared by several outputs (default: OUT/stage)"
    )
    parser.add_argument(
        "--protect", type=Path, help="JSON of benchmark functions; Python files that contain one are dropped"
    )
    parser.add_argument("--allow-missing", action="store_true", help="go on when a repository is not in the mirror")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repository-cap-mb", type=float, default=12)
    parser.add_argument(
        "--language-cap-mb", type=float, default=75, help="largest share of a language in the training split"
    )
    parser.add_argument("--documentation-share", type=float, default=0.12)
    parser.add_argument("--shard-mb", type=float, default=32, help="raw text per training shard")
    arguments = parser.parse_args(argv)

    entries = json.loads(arguments.repositories.read_text())
    refuse_evaluation([entry["repo"] for entry in entries])
    settings = [
        arguments.seed,
        arguments.repository_cap_mb,
        arguments.language_cap_mb,
        arguments.documentation_share,
        arguments.shard_mb,
    ]
    key = hashlib.sha256(
        "\n".join(
            (
                source_key(),
                *(Path(file).read_text() for file in (__file__, splits.__file__, write.__file__)),
                json.dumps([entries, settings]),
                *protected_functions(arguments.protect),
            )
        ).encode()
    ).hexdigest()
    done = arguments.out / "DONE"
    if done.exists() and done.read_text().strip() == key:
        print("already complete")
        return 0
    arguments.out.mkdir(parents=True, exist_ok=True)
    done.unlink(missing_ok=True)
    for old in arguments.out.glob("*.jsonl.gz"):
        old.unlink()

    drops: Counter = Counter()
    staged = stage_all(entries, arguments, drops)
    keep = drop_duplicates(staged, drops)
    apply_language_caps(staged, keep, arguments, drops)
    names = write_files(staged, keep, arguments.out, arguments.seed, arguments.shard_mb)
    commits = write_commits(staged, keep, arguments.out, arguments.seed)
    stats = statistics(staged, keep, drops, commits) | {"shards": names}
    (arguments.out / "stats.json").write_text(json.dumps(stats, indent=1) + "\n")
    done.write_text(key + "\n")
    print(
        json.dumps(
            {
                split: {name: table[name] for name in ("repositories", "files", "bytes", "documented_functions")}
                for split, table in stats["splits"].items()
            }
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
