"""Labelled batches that arrive in an inbox, and are checked before they are trained on."""
