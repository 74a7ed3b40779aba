"""Tests of recipe.heads."""
