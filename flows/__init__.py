"""The flows: what a practitioner runs, and its configuration."""
