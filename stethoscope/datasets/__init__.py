"""Data sets: from archives of recordings to a table of clips."""
