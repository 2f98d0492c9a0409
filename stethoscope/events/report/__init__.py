"""The report of an event detector."""
