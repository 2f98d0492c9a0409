"""Events in time: training, decoding, evaluation, the deployed half and the report."""
