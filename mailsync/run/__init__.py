"""The engine: it knows actions, not features."""
