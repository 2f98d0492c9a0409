"""One run on this computer, and its folder of results."""
