"""Tests of recipe.tasks."""
