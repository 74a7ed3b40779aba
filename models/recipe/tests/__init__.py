"""The recipe's tests and its dry run."""
