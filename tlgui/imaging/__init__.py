"""A file on disk becomes pixels here, once, for training, prediction and export alike: no Qt, no torch."""
