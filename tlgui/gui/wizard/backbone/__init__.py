"""The parts of the Backbone page."""
