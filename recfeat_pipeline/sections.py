"""Sections of arms: where tables show them, the report's and the command line's alike."""

SECTIONS = {
    "hybrid": "A trained model beside EASE",
    "hybrid_sasrec": "Self-attention beside a counted model",
    "ease": "EASE",
    "markov": "Markov",
    "item_knn": "Item neighbours",
    "tower": "The tuned two-tower",
    "sasrec": "Self-attention",
    "base": "The published two-tower",
    "control": "Controls of the published two-tower",
    "baseline": "Other recommenders",
    "graph": "A graph of users and items",
    "generative": "Generated semantic ids",
    "operators": "Content × behaviour × predictor",
    "recency": "With the last item as a channel of its own",
    "reranker": "Another arm's best in another order",
    "rich": "With genres, years and user tags",
    "density": "How much text, how many aspects",
    "probe": "Probes",
    "ablation": "Ablations",
    "training": "Other ways of training",
    "published": "As published",
}
"""Sections of arms in the order of tables, with their headings; another one comes after them."""

PAIRS_BY = "pairs_by_"
"""Begins what an arm is said to read that learns another arm's order of candidates."""
BESIDE = ("density", "ablation", "training", "probe", "published")
"""Sections of arms that ask other questions than what content is worth."""
