"""What the stages train on, as batches and losses."""
