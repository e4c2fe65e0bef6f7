"""Tables of rerankers: what was asked of whom, what it changed, what it cost."""

import polars as pl

from recfeat_pipeline.schemas import ID, Schema

RERANKED: Schema = {
    "example_id": pl.Int64,
    "split": pl.String,  # that which is reported; "valid" where fusion is chosen
    "user_id": ID,
    "target_item_id": ID,
    "history_length": pl.Int32,
    "stratum": pl.String,
    "base_rank": pl.Int32,  # by the base; with ties in the shortlist's order
    "coverage": pl.Float32,  # share of the candidates whose document has 500 characters or more
    "n_new": pl.Int32,  # candidates with fewer than ten training events
    "weight": pl.Float64,  # requests that it stands for; null: it was not asked
    "shown": pl.List(pl.Int32),  # the base's place (from 0) of the candidate with each number
    "picks": pl.List(pl.Int32),  # numbers answered, best first; null: the base's order stands
    "cache_key": pl.String,
    "rank": pl.Int32,  # after reranking; null: it was not asked
}
"""One row per request of one arm and seed. A request whose target is no candidate is not asked, for
its rank stays what it is."""

REQUEST_CONTRASTS: Schema = {
    "arm": pl.String,
    "reference": pl.String,
    "slice": pl.String,  # "all", or a stratum of history length
    "metric": pl.String,
    "k": pl.Int32,
    "arm_value": pl.Float64,  # over all requests
    "reference_value": pl.Float64,
    "delta": pl.Float64,
    "relative": pl.Float64,
    "ci_low": pl.Float64,  # of delta, 95 %, over users
    "ci_high": pl.Float64,
    "p_value": pl.Float64,
    "p_adjusted": pl.Float64,  # Holm, over the contrasts of the same slice and metric
    "detectable": pl.Float64,  # smallest true delta found four times in five
    "eligible": pl.Float64,  # share of the requests whose target is a candidate
    "n_users": pl.Int64,  # asked
    "n_examples": pl.Int64,  # asked
}
"""One row per reranking arm, what it is held against, slice, metric and k."""

RERANKERS: Schema = {
    "arm": pl.String,
    "base": pl.String,
    "by": pl.String,  # "llm", "content" or an arm
    "history": pl.String,  # what an LLM is shown as taken: "newest" first, "shuffled", "other"
    "order": pl.String,  # how it is shown the candidates: "shuffled", "base"
    "items": pl.String,  # what it is shown of an item: "titles", "features"
    "candidates": pl.Int32,
    "model": pl.String,  # null where nobody was asked
    "prompt_version": pl.String,
    "requests": pl.Int64,
    "asked": pl.Int64,
    "answered": pl.Int64,
    "no_such_candidate": pl.Int64,  # asked again and still wrong: numbers out of range or twice
    "unreadable": pl.Int64,  # no JSON, or of another form
    "other_failures": pl.Int64,
    "attempts": pl.Float64,  # asks a call, on average
    "latency_p50_ms": pl.Float64,
    "latency_p95_ms": pl.Float64,
    "usd_per_1000": pl.Float64,  # requests; null: no price is known
    "prompt_tokens": pl.Float64,  # a call, on average
    "completion_tokens": pl.Float64,
    "first_third": pl.Float64,  # share of first picks from the first third of the numbers
    "first_third_expected": pl.Float64,
    "fusion_weight": pl.Float64,  # of the new order; null: no fusion
    "repeats": pl.String,  # the arm that was asked the same before
    "same_first": pl.Float64,  # share of requests with the same first pick
    "overlap": pl.Float64,  # share of the picks that are the same
}
"""One row per reranking arm."""

ROUTES: Schema = {
    "policy": pl.String,
    "title": pl.String,
    "arm": pl.String,  # that requests are sent to
    "base": pl.String,  # that the others stay with
    "sent": pl.Float64,  # share of all requests
    "delta": pl.Float64,  # of MRR over all requests, against the base alone
    "relative": pl.Float64,
    "ci_low": pl.Float64,  # of delta, 95 %, over users
    "ci_high": pl.Float64,
    "usd_per_1000": pl.Float64,  # requests, sent or not; null: no price is known
    "latency_p50_ms": pl.Float64,  # waited for the LLM
    "latency_p95_ms": pl.Float64,
    "on_frontier": pl.Boolean,  # nothing as cheap gains more
}
"""One row per policy and arm that asks an LLM."""

AUGMENTED_PAIRS: Schema = {
    "user_id": ID,
    "preferred_item_id": ID,  # the first in the new order
    "passed_item_id": ID,  # the last
}
"""One row per training user whose candidates were put in order. Neither was taken in training."""

USER_LISTS: Schema = {
    "user_id": ID,
    "position": pl.Int32,  # 1 is best
    "item_id": ID,  # none that the user has seen
}
"""One row per place in a user's list, of one arm and seed."""
