"""Tests of recipe.eval."""
