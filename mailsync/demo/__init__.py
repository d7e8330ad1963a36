"""A sample trading company and throw-away servers."""
