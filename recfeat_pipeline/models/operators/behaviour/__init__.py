"""What becomes of a history's rows, a module each; see ``models/operators/operator.py``."""
