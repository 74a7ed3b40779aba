"""Trains the bundled model from public source code."""
