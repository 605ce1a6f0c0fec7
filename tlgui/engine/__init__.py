"""The engine: torch on one side, JSON lines and a run folder on the other. No Qt."""
