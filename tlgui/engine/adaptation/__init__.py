"""Another site without labels: how different it is, and what makes a model serve it too."""
