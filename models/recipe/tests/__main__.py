"""Runs the recipe's unit tests and its dry run, and prints how many passed: `python -m recipe.tests`."""

from __future__ import annotations

import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    suite = unittest.TestLoader().discover(str(HERE), top_level_dir=str(HERE.parents[1]))
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    passed = result.testsRun - failed - len(result.skipped)
    # A process of its own: the stages take over signals and threads.
    dry = subprocess.run(
        [sys.executable, "-m", "recipe.tests.dry_run"], cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True
    )
    print(dry.stdout.splitlines()[-1] if dry.returncode == 0 and dry.stdout else dry.stdout)
    passed, failed = passed + (dry.returncode == 0), failed + (dry.returncode != 0)
    print(f"recipe: {passed} passed, {failed} failed")
    return int(failed > 0 or passed == 0)


if __name__ == "__main__":
    raise SystemExit(main())
