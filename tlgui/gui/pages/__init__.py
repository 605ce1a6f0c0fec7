"""The pages of the window: start, train, results, use, export."""
