"""The unattended side: schedule, signals, health."""
