"""What an item's row is made of, a module each; see ``models/operators/operator.py``."""
