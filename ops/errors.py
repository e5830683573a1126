"""What ends a command with one clear line."""


class OpsError(Exception):
    """Something outside is not as it must be; the message says what, and how to mend it."""
