"""From the address of a data set to checked archives in a folder."""
