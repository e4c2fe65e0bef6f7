"""What the ``recfeat`` commands do, one module each; ``cli.py`` declares their options."""
