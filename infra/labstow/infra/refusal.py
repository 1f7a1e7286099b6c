"""Why a command does not start, in one sentence for the person who typed it."""


class CannotStart(Exception):
    """Something outside the program is in the way; the text says what, and what to do about it."""
