"""Tests of recipe.tokens."""
