"""The four steps before a run: images, backbone, strategy, review."""
