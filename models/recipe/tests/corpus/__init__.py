"""Tests of recipe.corpus."""
