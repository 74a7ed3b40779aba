"""Heads over the model and the token table."""
