"""Groups of faults, and the classifier that recognises them."""
