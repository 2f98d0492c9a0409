"""Compiled pipelines, their parameters, the local runner and the client of a cluster."""
