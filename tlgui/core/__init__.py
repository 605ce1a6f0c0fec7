"""Every noun of the program, in plain Python: no Qt, no torch, no numpy."""
