"""What goes wrong in a way the user can mend."""

DONE, FAILED, USAGE, HANGUP, INTERRUPTED, BROKEN_PIPE, TERMINATED = 0, 1, 2, 129, 130, 141, 143


class R1Error(Exception):
    """One sentence for the user: what went wrong, where, and what to do. `status` is the exit status."""

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


class BadRow(Exception):
    """A row that cannot be used; the message is the reason written to the rejects."""
