"""The training corpus, built from Git mirrors."""
