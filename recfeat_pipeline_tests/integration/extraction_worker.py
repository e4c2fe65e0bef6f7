"""A process that extracts, to be killed: ``python -m … LAKE BASE_URL SHARDS N_ITEMS``."""

import sys

from recfeat_pipeline.extraction import Limits, extract_many, ledger, load_version
from recfeat_pipeline.extraction.backends.online import OnlineBackend
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.unit.extraction.cases import documents

CONCURRENCY = 8


def main() -> None:
    root, base_url, shards, n_items = sys.argv[1:]
    ledger.SEGMENT_ROWS = 37  # so that many segments are written, and many writes are cut short
    version = load_version("genome132-v1")
    limits = Limits(concurrency=CONCURRENCY)
    extract_many(
        shards.split(","),
        lambda shard: documents(int(n_items), first=1000 * int(shard) + 1),
        version,
        Lake(root),
        OnlineBackend(version.model, base_url, None, limits),
        limits=limits,
    )
    print("end", flush=True)


if __name__ == "__main__":
    main()
