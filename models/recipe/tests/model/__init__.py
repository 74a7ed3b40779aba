"""Tests of recipe.model."""
