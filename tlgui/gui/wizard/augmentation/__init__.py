"""How training images are varied: the question about left and right, the preview, and the words for both."""
