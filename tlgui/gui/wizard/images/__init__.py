"""What the images page is made of."""
