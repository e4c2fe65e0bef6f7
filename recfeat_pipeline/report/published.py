"""The published study's figures, to be set beside ours.

Source: "$200 vs $200k: generating item features with an LLM instead of hand tagging" (2026),
MovieLens 32M, 9,375 films, one seed; arms floor (C′), curated (A′: tag genome), llm (B′).
"""

PARTS = ("floor", "curated", "llm")

N_ITEMS, N_EXAMPLES = 9_375, 382_138

RANKING: dict[tuple[str, int | None, str], tuple[float, float, float]] = {
    ("hit_rate", 5, "all"): (0.1500, 0.1538, 0.1555),
    ("hit_rate", 10, "all"): (0.2178, 0.2229, 0.2236),
    ("hit_rate", 50, "all"): (0.4560, 0.4644, 0.4647),
    ("hit_rate", 250, "all"): (0.7555, 0.7624, 0.7623),
    ("ndcg", 10, "all"): (0.1259, 0.1290, 0.1297),
    ("mrr", None, "all"): (0.1121, 0.1148, 0.1155),
    ("mrr", None, "HEAD"): (0.1159, 0.1186, 0.1193),
    ("mrr", None, "TAIL"): (0.0029, 0.0030, 0.0033),
    ("mrr", None, "Q4"): (0.1234, 0.1264, 0.1271),
    ("mrr", None, "Q3"): (0.0133, 0.0140, 0.0142),
    ("mrr", None, "Q2"): (0.0034, 0.0034, 0.0037),
    ("mrr", None, "Q1"): (0.0011, 0.0013, 0.0014),
}
"""(metric, k, slice) -> value of each of PARTS."""

TAXONOMY = "genome132"  # ours, with the study's groups and number of dimensions
AGREEMENT_MEAN, AGREEMENT_MEDIAN = 0.598, 0.608
AGREEMENT_AT_HALF, N_DIMENSIONS = 99, 132
AGREEMENT_BY_GROUP = {
    "visual": 0.70,
    "setting": 0.68,
    "provenance": 0.64,
    "themes": 0.56,
    "tone": 0.56,
    "reception": 0.42,
}

COST_USD, COST_ITEMS = (170.0, 220.0), 9_366
"""Its estimate for the full corpus, at $3 and $15 per million input and output tokens."""

LADDER = {"floor": -0.0053, "llm": -0.0021, "curated": 0.0004}
"""Rich to base, change in MRR."""
