"""The ``recfeat`` commands, a module each: options, help text and body.

Modules whose commands a newcomer meets first must import fast, so anything heavy is imported inside
the command. Modules named otherwise than a command hold what several commands share.
"""
