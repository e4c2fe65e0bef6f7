"""A process that extracts, to be killed: ``python -m … LAKE BASE_URL SHARDS N_ITEMS``."""

import sys
from datetime import timedelta

from recfeat_pipeline import lake as layout
from recfeat_pipeline import leases
from recfeat_pipeline.extraction import Limits, extract_many, ledger, load_version
from recfeat_pipeline.extraction.backends.online import OnlineBackend
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.servers import object_store
from recfeat_pipeline_tests.unit.extraction.cases import documents

CONCURRENCY = 8
assert object_store  # LAKE may be a shared:// URL


def work(root: str, base_url: str, shards: list[str], n_items: int) -> None:
    version = load_version("genome132-v1")
    limits = Limits(concurrency=CONCURRENCY)
    extract_many(
        shards,
        lambda shard: documents(n_items, first=1000 * int(shard) + 1),
        version,
        Lake(root),
        OnlineBackend(version.model, base_url, None, limits),
        limits=limits,
    )


if __name__ == "__main__":
    ledger.SHIPPED_ROWS, ledger.SHIPPED_SECONDS = 20, 0.2
    leases.TTL_S, leases.BEAT_S, leases.LOOK_AGAIN = 4.0, 0.1, 0.05
    ledger.SEGMENT_ROWS = 37  # so that many segments are written, and many writes are cut short
    layout.COMPACT_ABOVE, layout.RETIRED_FOR = 3, timedelta(seconds=3)  # and merged, and deleted
    work(sys.argv[1], sys.argv[2], sys.argv[3].split(","), int(sys.argv[4]))
    print("end", flush=True)
