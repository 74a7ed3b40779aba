"""Repositories that the model is measured on. They must not be in the corpus."""

from __future__ import annotations

from pathlib import Path

EVALUATION = """
pallets/flask psf/requests sqlfluff/sqlfluff pydata/xarray pytest-dev/pytest pylint-dev/pylint pycqa/pylint sphinx-doc/sphinx sympy/sympy
astropy/astropy reflex-dev/reflex pynecone-io/pynecone streamlink/streamlink django/django matplotlib/matplotlib
scikit-learn/scikit-learn conan-io/conan sveltejs/svelte redis/redis antirez/redis eclipse-theia/theia theia-ide/theia rust-lang/rust-analyzer
rust-analyzer/rust-analyzer expressjs/express microsoft/vscode
""".split()

FORKS = """
vscodium/vscodium coder/code-server cdr/code-server gitpod-io/openvscode-server getcursor/cursor voideditor/void che-incubator/che-code
trypear/pearai-app valkey-io/valkey snapchat/keydb eqalpha/keydb redict/redict kennethreitz/requests mitsuhiko/flask
""".split()

LISTS = Path(__file__).resolve().parent
SEARCH_POOL_LIST = LISTS / "codesearch_repositories.txt"
"""Repositories of the CodeSearchNet challenge's relevance annotations, one "owner/name" a line."""


def excluded_repositories() -> frozenset[str]:
    """The lower-cased "owner/name" of every refused repository."""
    pool = SEARCH_POOL_LIST.read_text().split() if SEARCH_POOL_LIST.exists() else []
    return frozenset(name.lower() for name in (*EVALUATION, *FORKS, *pool))


def refuse_evaluation(repositories: list[str]) -> None:
    """Raises ValueError naming every repository of the list that measures the model."""
    names = excluded_repositories()
    refused = sorted(repository for repository in repositories if repository.lower() in names)
    if refused:
        raise ValueError(f"evaluation repositories must not be in the corpus: {', '.join(refused)}")
