"""Learning on: what a network knew before, how it is held on to, and how much of it is left."""
