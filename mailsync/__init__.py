"""mailsync keeps each customer's code in address books, subjects and folders."""

__version__ = "0.1.0"
