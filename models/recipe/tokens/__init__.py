"""Tokenizer, token files and training rows."""
