"""Pictures for the report: functions that give an SVG element, the same for the same numbers."""
