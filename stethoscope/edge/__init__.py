"""Models in C for microcontrollers."""
