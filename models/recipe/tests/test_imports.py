"""Modules import each other without circles, and at the top of the file only."""

from __future__ import annotations

import ast
import unittest
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(node: ast.AST, modules: set[str]) -> set[str]:
    """The package's modules that one statement imports."""
    if isinstance(node, ast.Import):
        names = {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
        names = {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    else:
        names = set()
    return names & modules


class ImportsTest(unittest.TestCase):
    def setUp(self):
        self.trees = {name_of(path): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}
        self.graph = {
            name: set().union(*(imported(node, set(self.trees)) for node in ast.walk(tree)))
            for name, tree in self.trees.items()
        }

    def test_there_are_no_circles(self):
        self.assertIn("recipe.model.transformer", self.graph["recipe.checkpoint"])  # the graph is really read
        try:
            TopologicalSorter(self.graph).prepare()
        except CycleError as error:
            self.fail(f"modules import each other in a circle: {' -> '.join(error.args[1])}")

    def test_a_circle_would_be_found(self):
        graph = {**self.graph, "recipe.config": {"recipe.stage"}}
        with self.assertRaises(CycleError):
            TopologicalSorter(graph).prepare()

    def test_no_function_imports_the_package(self):
        for name, tree in self.trees.items():
            inside = [n for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)]
            self.assertEqual([imported(n, set(self.trees)) for n in inside if imported(n, set(self.trees))], [], name)


if __name__ == "__main__":
    unittest.main()
