"""The sections of the report about anomaly detection."""
