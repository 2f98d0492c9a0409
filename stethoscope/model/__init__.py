"""Networks as they are deployed, and their conversion to TFLite and int8."""
