"""The sections of the report on faults."""
