"""The report of one experiment."""
