"""What the engine does from beginning to ending: each job is a generator of events."""
