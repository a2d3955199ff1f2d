"""What can keep the installation from starting, in words for the person who started it."""

from __future__ import annotations


class CannotStart(Exception):
    """Something the person at the keyboard can mend; its message says what and how."""
