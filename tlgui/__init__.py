"""tlgui: fine-tune an image classifier by point-and-click, on this computer, offline."""

__version__ = "0.1.0"
