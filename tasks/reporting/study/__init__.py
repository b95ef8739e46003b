"""The report of a study of many transfers."""
