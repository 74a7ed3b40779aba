"""The exported checkpoint folder."""
