"""Speed, accuracy and convergence, each a command that prints a table."""
