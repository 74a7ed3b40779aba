"""One command a training stage."""
