"""Every conversation in its customer's folder."""
