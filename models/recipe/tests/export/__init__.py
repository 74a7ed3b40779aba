"""Tests of recipe.export."""
