"""Column names and table schemas: the contracts between stages.

A stage writes frames in these schemas and reads nothing else of another stage. ``item_id`` and
``user_id`` are ``Int64`` when every id in the catalogue is an integer, else ``String``; every other
dtype is fixed. Where each table lies says :mod:`recfeat_pipeline.layout`.
"""

import polars as pl

# Ids keep the catalogue's own type; these are the defaults of a table that has no rows yet.
ID = pl.Int64
ID_COLUMNS = ("item_id", "user_id", "target_item_id")
Schema = dict[str, pl.DataType | type[pl.DataType]]

CATALOG_ITEMS: Schema = {
    "item_id": ID,
    "title": pl.String,
    "year": pl.Int32,
    "genres": pl.List(pl.String),
    "imdb_id": pl.String,  # "tt0114709", padded to seven digits
    "tmdb_id": pl.Int64,
}
"""One row per item, as the catalogue gives it."""

ITEMS: Schema = {
    **CATALOG_ITEMS,
    "n_ratings": pl.Int64,  # raw interactions, before any user filter
    "in_corpus": pl.Boolean,
    "item_index": pl.Int32,  # 0..n_corpus-1 in item_id order; null outside the corpus
    "tier": pl.String,  # "Q1".."Q4": quartiles of n_ratings with equal item counts; null outside
}
"""One row per catalogue item."""

FIELDS: Schema = {
    "item_id": ID,
    "source": pl.String,  # "catalog", "tmdb", "wikipedia", "wikidata"
    "label": pl.String,  # as the prompt shows it: "Plot"
    "position": pl.Int32,  # order within the document
    "text": pl.String,  # whole, never cut
}
"""One row per item × text field: what every text source gives."""

INTERACTIONS: Schema = {
    "user_id": ID,
    "item_id": ID,
    "rating": pl.Float32,  # null: implicit
    "timestamp": pl.Int64,  # Unix seconds; null: unknown
    "position": pl.Int64,  # place among the user's events, where the catalogue gives one
    "split": pl.String,  # "train" | "valid" | "test" when the catalogue brings one, else null
}
"""One row per interaction, as read (before corpus rules)."""

TAGS: Schema = {
    "item_id": ID,
    "tag": pl.String,
    "relevance": pl.Float32,
}
"""One row per item × curated tag (the genome, crowd tags, any matrix)."""

EVENTS: Schema = {
    "user_id": ID,
    "item_index": pl.Int32,
    "rating": pl.Float32,
    "timestamp": pl.Int64,
    "split": pl.String,  # of the event: where it may be a target
    "position": pl.Int32,  # 0.. within the user's history, in the pinned order
}
"""Corpus interactions sorted by (user_id, position); a user's rows are contiguous."""

SCORED: Schema = {"item_id": ID}  # of items that get features
EXAMPLES: Schema = {
    "example_id": pl.Int64,
    "user_id": ID,
    "split": pl.String,  # "train" | "valid" | "test"
    "event_row": pl.Int64,  # row of the target in EVENTS; the history is the rows just before it
    "history_length": pl.Int32,  # rows before the target that belong to the user (uncut)
    "target_index": pl.Int32,  # item_index of the target
}
"""One row per rollback example. Its context: EVENTS rows ``[event_row - min(history_length, 50),
event_row)``."""

DOCUMENTS: Schema = {
    "item_id": ID,
    "title": pl.String,
    "text": pl.String,  # fields rendered with the default cuts
    "content_hash": pl.String,  # sha256 of text
    "n_chars": pl.Int32,
    "fields": pl.List(
        pl.Struct({"label": pl.String, "source": pl.String, "text": pl.String})
    ),  # whole fields with provenance, for prompt versions with cuts of their own
}
"""One row per item."""

RESPONSES: Schema = {
    "cache_key": pl.String,
    "item_id": ID,
    "version": pl.String,  # the version that first bought it (a label, not part of the key)
    "group": pl.String,
    "status": pl.String,  # "ok" | "failed"
    "reason": pl.String,  # why it failed; null when ok
    "response": pl.String,  # the model's content as it came
    "model": pl.String,
    "backend": pl.String,  # "online" | "lexical" | "batch" | "batch-files"
    "attempts": pl.Int32,
    "prompt_tokens": pl.Int64,
    "cached_tokens": pl.Int64,
    "completion_tokens": pl.Int64,
    "cost_usd": pl.Float64,
    "latency_ms": pl.Float64,
    "created_at": pl.Datetime("us", "UTC"),
}
"""One row per call that ended; append-only. For one cache_key the newest "ok" row wins."""

BATCH_CALLS: Schema = {
    "cache_key": pl.String,  # the custom_id
    "shard": pl.String,
    "item_id": pl.String,  # written back in the catalogue's type
    "group": pl.String,
    "document": pl.String,
    "identity": pl.String,
    "asks": pl.Int32,  # answers got before this batch
    "rounds": pl.Int32,  # batches before this one
    "prompt_tokens": pl.Int64,
    "cached_tokens": pl.Int64,
    "completion_tokens": pl.Int64,
    "reminder": pl.String,
}
"""One row per call that a batch holds."""

SCORES: Schema = {
    "item_id": ID,
    "group": pl.String,
    "dimension": pl.String,
    "score": pl.Float32,  # in [0, 1]
    "model": pl.String,
    "cache_key": pl.String,
    "generated_at": pl.Datetime("us", "UTC"),
}
"""One row per item × dimension of one prompt version."""

SCORED_FROM: Schema = {"item_id": ID, "document_hash": pl.UInt64, "model": pl.String}
"""What a shard's scores of a version were made from: a row per item; the hash of its DOCUMENTS."""

VECTORS: Schema = {
    "text_hash": pl.String,  # sha256 of the text
    "vector": pl.List(pl.Float32),  # L2-normalised
    "embedding": pl.String,  # what made it
    "created_at": pl.Datetime("us", "UTC"),
}
"""One row per text that was embedded; append-only."""

DOCUMENT_VECTORS: Schema = {
    "item_id": ID,
    "vector": pl.List(pl.Float32),  # of the document's text; L2-normalised
    "embedding": pl.String,  # what made the vector: a model's name, "hashed-ngrams-256-v1"
    "content_hash": pl.String,  # of the text
    "generated_at": pl.Datetime("us", "UTC"),
}
"""One row per item whose document has text."""

DIMENSIONS: Schema = {
    "taxonomy": pl.String,  # its name, that of its file
    "group": pl.String,
    "dimension": pl.String,
    "gloss": pl.String,
    "genome_tags": pl.List(pl.String),
    "position": pl.Int32,
}
"""One row per dimension of the taxonomy that a prompt version scores."""

RANKS: Schema = {
    "example_id": pl.Int64,
    "user_id": ID,
    "target_item_id": ID,
    "history_length": pl.Int32,
    "rank": pl.Int32,  # seen items masked; ties at their mean rank, rounded up
    "rank_with_seen": pl.Int32,  # the published convention: seen items stay candidates
}
"""One row per test example of one (arm, seed)."""

ITEM_VECTORS: Schema = {
    "item_id": ID,
    "vector": pl.List(pl.Float32),  # of the item tower, L2-normalised
}
"""One row per corpus item, in item_index order, of one (arm, seed)."""

SEEN: Schema = {"item_id": ID, "digest": pl.String}
"""One row per corpus item with scores that a model was trained on; the digest is of its scores."""

TRAINING_LOG: Schema = {
    "step": pl.Int64,
    "train_loss": pl.Float64,  # mean since the last evaluation
    "valid_mrr": pl.Float64,  # null without validation examples
    "valid_hit10": pl.Float64,
}
"""One row per evaluation during training; empty for a baseline."""

TOP_LISTS: Schema = {
    "example_id": pl.Int64,
    "position": pl.Int32,  # 1 is best, 50 the last
    "item_id": ID,  # none that the user has seen
}
"""One row per place in the list of a sampled test example, of one (arm, seed)."""

LIST_METRICS: Schema = {
    "arm": pl.String,
    "seed": pl.String,
    "metric": pl.String,
    "k": pl.Int32,
    "value": pl.Float64,
    "n": pl.Int64,  # lists
}
"""One row per arm, seed, metric and cut-off of lists, whoever their targets are."""

RUNS: Schema = {
    "label": pl.String,
    "kind": pl.String,  # "tower" | "baseline" | "control"
    "n_parameters": pl.Int64,
    "content_width": pl.Int32,
    "content_coverage": pl.Float64,
    "steps": pl.Int64,
    "best_step": pl.Int64,
    "seconds": pl.Float64,
}
"""One row: what a finished (arm, seed) was."""

COLD_RANKS: Schema = {
    "example_id": pl.Int64,
    "user_id": ID,
    "target_item_id": ID,
    "n_train": pl.Int32,  # training interactions that were left to the target
    "rank": pl.Int32,  # among all unseen items
    "rank_new": pl.Int32,  # among the unseen items without any; null for n_train > 0
}
"""One row per choice of a held-back item by a test user, under one (arm, seed)."""

NEIGHBOURS: Schema = {
    "item_id": ID,
    "k": pl.Int32,
    "overlap": pl.Float64,  # share of the k content neighbours that have the same users
    "expected": pl.Float64,  # of k random items
}
"""One row per item with known users, for one content source."""

CANARIES: Schema = {
    "kind": pl.String,  # "persona": recommended to it | "similar": nearest to the item
    "name": pl.String,  # of the persona or the item
    "position": pl.Int32,  # 1 is best
    "item_id": ID,
    "title": pl.String,
    "score": pl.Float32,  # cosine
}
"""One row per place in a list that an arm gives, for people to read."""

CONTRASTS: Schema = {
    "arm": pl.String,
    "reference": pl.String,
    "slice": pl.String,
    "metric": pl.String,
    "k": pl.Int32,  # null: every rank counts
    "arm_value": pl.Float64,
    "reference_value": pl.Float64,
    "delta": pl.Float64,  # arm less reference
    "relative": pl.Float64,  # delta over the reference's value
    "ci_low": pl.Float64,  # of delta, 95 %
    "ci_high": pl.Float64,
    "p_value": pl.Float64,  # delta is 0, two-sided
    "p_adjusted": pl.Float64,  # Holm, over the contrasts of the same slice and metric
    "boot_low": pl.Float64,  # two-way bootstrap over users and seeds, as a check
    "boot_high": pl.Float64,
    "t_seeds": pl.Float64,  # paired t over seeds, users held fixed; null for one seed
    "p_seeds": pl.Float64,
    "margin": pl.Float64,  # of equivalence, in the metric's units
    "p_equivalent": pl.Float64,  # |delta| >= margin; below .05 the arms match
    "sd_seeds": pl.Float64,  # of the seeds' deltas
    "sd_users": pl.Float64,  # of the users' deltas
    "detectable": pl.Float64,  # smallest true delta found with a power of 80 %
    "seeds_needed": pl.Int64,  # to find this delta with 80 %; null when users alone prevent it
    "n_seeds": pl.Int32,
    "n_users": pl.Int64,
    "n_examples": pl.Int64,
}
"""One row per arm, reference, slice, metric and k: what a pair of arms differs by."""

COLD_CONTRASTS: Schema = {
    "arm": pl.String,
    "reference": pl.String,
    "n_train": pl.Int32,  # training interactions left to the items; 0: new
    "candidates": pl.String,  # "all" | "new"
    "metric": pl.String,
    "k": pl.Int32,
    "arm_value": pl.Float64,
    "reference_value": pl.Float64,
    "delta": pl.Float64,
    "ci_low": pl.Float64,  # 95 %, users as the unit, and what seeds add; null for one user
    "ci_high": pl.Float64,
    "p_value": pl.Float64,
    "p_adjusted": pl.Float64,  # Holm, over the contrasts of the same place
    "n_seeds": pl.Int32,
    "n_users": pl.Int64,
}
"""One row per arm, reference, warmth, candidates and metric: what arms differ by on cold items."""

ARMS: Schema = {
    "arm": pl.String,
    "title": pl.String,  # what the model sees, in words
    "role": pl.String,  # "floor" | "content" | "control" | "probe" | "baseline"
    "section": pl.String,  # where tables show the arm
    "label": pl.String,
    "family": pl.String,  # the model family, a file in models/families
    "content": pl.String,  # sources joined by "+"; "pairs_by_…" of who orders; "" for none
    "control": pl.String,  # what is done to the content before a model sees it; null: nothing
    "prompt_version": pl.String,  # of LLM scores; null: the promoted one; "+…": a probe of it
    "base": pl.String,  # of a rich arm, the arm that differs in the metadata alone
}
"""One row per arm that is defined, run or not."""

AGREEMENT_INTERVALS: Schema = {
    "version": pl.String,
    "group": pl.String,  # "all" beside the taxonomy's
    "dimension": pl.String,  # null: the mean over the group's dimensions
    "pearson_r": pl.Float64,  # null: constant
    "pearson_low": pl.Float64,  # 95 %, over items
    "pearson_high": pl.Float64,
    "spearman_r": pl.Float64,
    "spearman_low": pl.Float64,
    "spearman_high": pl.Float64,
    "partial_r": pl.Float64,  # log popularity held fixed
    "partial_low": pl.Float64,
    "partial_high": pl.Float64,
    "popularity_r": pl.Float64,  # of the score with log popularity
    "ceiling": pl.Float64,  # of the curated value, from its split-half reliability; null: one tag
    "n_items": pl.Int64,
}
"""One row per prompt version and dimension that has a curated tag, and per group."""

AGREEMENT_CONTRASTS: Schema = {
    "version": pl.String,
    "reference": pl.String,
    "group": pl.String,
    "delta": pl.Float64,  # of the mean Pearson r with the curated tags
    "ci_low": pl.Float64,  # 95 %, over items
    "ci_high": pl.Float64,
    "n_items": pl.Int64,
}
"""One row per pair of prompt versions and group."""

VERSION_AGREEMENT: Schema = {
    "version": pl.String,
    "reference": pl.String,
    "group": pl.String,  # "all" beside the taxonomy's
    "dimension": pl.String,  # null: the mean over the group's dimensions
    "pearson_r": pl.Float64,  # of the two versions' scores
    "ci_low": pl.Float64,  # 95 %, over items
    "ci_high": pl.Float64,
    "n_items": pl.Int64,
}
"""One row per pair of prompt versions and dimension, and per group."""

SHOWN_TEXT: Schema = {
    "arm": pl.String,
    "prompt_version": pl.String,  # name of the version whose scores the arm reads
    "mean_chars": pl.Float64,  # of the text that a call shows of an item
    "n_items": pl.Int64,
}
"""One row per arm of a probe, and the arm that they are held against."""

RETESTS: Schema = {
    "group": pl.String,
    "dimension": pl.String,
    "n_items": pl.Int64,
    "pearson_r": pl.Float64,  # of the two askings; null where one is constant
    "mean_difference": pl.Float64,  # second less first
    "mean_abs_difference": pl.Float64,  # whatever its sign
    "share_equal": pl.Float64,  # of the items whose two scores lie within .05
}
"""One row per prompt version and dimension whose items were asked twice."""


NEVER_FED = r"(?i)\b(revenues?|gross|box office|popularity|votes?|vote (count|average)|n_ratings)\b"
"""Labels of fields that no document holds: popularity in disguise, so that a model that reads it
scores what sold and not what the item is."""

LEAST_COVERAGE = 0.2
"""Share of the corpus items that a content source must cover; below it an arm has no content."""
