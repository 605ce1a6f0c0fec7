"""Curves of a run. The only place that knows pyqtgraph; imported when the train page is first opened."""
