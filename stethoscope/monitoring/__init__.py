"""The main pipeline as a whole: parameter check, summary and report."""
