"""The kit of the report: page, charts, tables and text."""
