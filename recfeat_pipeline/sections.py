"""Sections of arms: where tables show them, the report's and the command line's alike."""

SECTIONS = {
    "base": "The comparison",
    "control": "Controls",
    "baseline": "Other recommenders",
    "tower": "The tuned two-tower",
    "sasrec": "Self-attention",
    "hybrid": "A trained model beside a counted one",
    "counted": "Counted models",
    "graph": "A graph of users and items",
    "generative": "Generated semantic ids",
    "recency": "With the last item as a channel of its own",
    "reranker": "Another arm's best in another order",
    "rich": "With genres, years and user tags",
    "probe": "Probes",
    "ablation": "Ablations",
    "training": "Other ways of training",
    "published": "As published",
}
"""Sections of arms in the order of tables, with their headings; another one comes after them."""
