"""The engine: torch on one side, JSON lines and a run folder on the other. No Qt."""

import os

# On import ONNX Runtime would give this computer a number, and note for its makers which program runs it from where.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
