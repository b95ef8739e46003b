"""Champion and challenger: which model is in use, since when, and why."""
