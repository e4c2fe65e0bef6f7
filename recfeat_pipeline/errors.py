"""The one exception a user is meant to read."""


class RecfeatError(Exception):
    """Something the user can mend: one sentence saying what is wrong, where, and what to do.

    The command line prints the sentence and exits with ``exit_code``; anything else that is
    raised is a bug of ours and shows a traceback.
    """

    exit_code = 1
