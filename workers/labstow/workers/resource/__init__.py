"""The resource noun: what is in the laboratory, where it is, and how much of it there is."""
