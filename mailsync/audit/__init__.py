"""Sent subjects and their verdicts."""
