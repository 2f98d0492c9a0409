"""An int8 model as C source for microcontrollers."""
