"""Token vectors, by which late interaction tells how alike two tokens are."""
