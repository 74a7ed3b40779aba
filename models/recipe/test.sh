#!/usr/bin/env bash
# The recipe's unit tests and a dry run of every stage. ANCHORAGE_PYTHON names a Python that has requirements.txt and PyTorch;
# without it an environment is made in .cache/recipe. The lightest PyTorch for a CPU that a Debian machine can have is its own
# package (1.13, 148 MB with what it needs); where there is none, PyPI's is taken.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
python="${ANCHORAGE_PYTHON:-}"
if [ -z "$python" ]; then
  environment="$here/../../.cache/recipe"
  python="$environment/bin/python"
  # The stamp changes with the requirements, so an old environment is made anew.
  stamp="$(cat "$here/requirements.txt" "$0" | sha256sum | cut -d' ' -f1)"
  if [ "$(cat "$environment/stamp" 2>/dev/null || true)" != "$stamp" ]; then
    rm -rf "$environment"
    if ! /usr/bin/python3 -c 'import torch, venv, ensurepip' 2>/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
      packages="python3-torch python3-venv python3-pip"
      # shellcheck disable=SC2086
      DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages ||
        { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages; } || true
    fi
    if /usr/bin/python3 -c 'import torch, venv, ensurepip' 2>/dev/null; then
      /usr/bin/python3 -m venv --system-site-packages "$environment"
      "$python" -m pip install -q -r "$here/requirements.txt"
    else
      python3 -m venv "$environment"
      "$python" -m pip install -q -r "$here/requirements.txt" -r "$here/requirements-train.txt"
    fi
    echo "$stamp" > "$environment/stamp"
  fi
fi
cd "$here/.."
exec "$python" -m recipe.tests
