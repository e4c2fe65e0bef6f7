"""Three operators make a recommender: content × behaviour × predictor, a file each.

What an item's row is made of, what becomes of a history's rows, how the two are scored: the cut of
Legommenders (Liu et al., 2024). Each folder here is a registry.
"""
