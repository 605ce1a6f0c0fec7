"""The parts of the Strategy page."""
