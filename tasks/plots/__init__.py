"""Pictures for the report, as SVG text that is the same for the same numbers."""
