"""One run of one account: the only room that knows all features (DESIGN 4)."""
