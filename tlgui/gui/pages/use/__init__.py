"""The parts of the page that tries a model on new images."""
