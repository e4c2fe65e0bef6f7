"""How a state and an item's row are scored, a module each; see ``models/operators/operator.py``."""
