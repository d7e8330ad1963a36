"""What a run did, could not do, and found."""
