"""Which customer is this about: subjects, threads, attribution."""
