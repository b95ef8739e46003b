"""Many transfers at once: which, trained where, and what came of each."""
