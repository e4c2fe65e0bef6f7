"""The one exception a user is meant to read."""


class RecfeatError(Exception):
    """Something the user can mend: one sentence saying what is wrong, where, and what to do.

    The command line prints the sentence and exits with ``exit_code``; anything else that is
    raised is a bug of ours and shows a traceback.
    """

    exit_code = 1


def first_line(error: Exception) -> str:
    """The first line of what another library says, without its full stop."""
    return str(error).strip().split("\n", 1)[0].strip().rstrip(".")
