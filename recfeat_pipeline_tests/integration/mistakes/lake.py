"""Lakes and feature stores: not there, of another release, in use, damaged."""

from recfeat_pipeline import lake as layout
from recfeat_pipeline import store
from recfeat_pipeline_tests.integration.mistakes.place import Mistake, Place


def meta(**values: object):
    """The lake's own file says so."""

    def prepare(place: Place) -> None:
        lake = place.lake()
        lake.write_note("lake", {**lake.meta, **values})

    return prepare


def damaged(path: str, content: bytes = b"garbage " * 600):
    """A file of the lake is overwritten."""
    return lambda place: place.lake().write_bytes(path, content)


def sql(*statements: str):
    """The store was changed."""
    return lambda place: place.store(*statements)


def quick(place: Place) -> None:
    """Commands do not wait for a locked store."""
    from recfeat_pipeline.commands import features

    place.patch.setattr(features, "READER_WAIT", 0.0)


def newer(place: Place) -> None:
    place.store("UPDATE store_format SET format = 99")


def older_store(place: Place) -> None:
    place.lake()
    place.patch.setattr(store, "FORMAT", store.FORMAT + 1)


def older_lake(place: Place) -> None:
    place.lake()
    place.patch.setattr(layout, "FORMAT", layout.FORMAT + 1)


FULL = OSError(28, "No space left on device", "/lake/file")

MISTAKES = [
    Mistake("no lake yet", "fingerprint 1", ("no lake at", "lake", "recfeat run")),
    Mistake(
        "a lake of a newer release",
        "status",
        ("lake format 99", f"this one knows {layout.FORMAT}", "Upgrade recfeat_pipeline"),
        meta(format=99),
    ),
    Mistake(
        "a lake of a newer release, met by a run",
        "run",
        ("lake format 99", "Upgrade recfeat_pipeline"),
        meta(format=99),
    ),
    Mistake(
        "a lake too old to upgrade",
        "status",
        (f"format {layout.FORMAT}", "cannot upgrade any more", "start a new lake"),
        older_lake,
    ),
    Mistake(
        "a damaged lake file",
        "status",
        ("lake.json", "not valid JSON", "backup"),
        damaged("lake.json", b"{"),
    ),
    Mistake(
        "a lake of another catalogue",
        "run --catalog little.toml --until catalog",
        ("holds the catalogue 'other'", "not 'little'", "RECFEAT_LAKE=data_lake/little"),
        lambda place: (meta(name="other")(place), place.catalog()),
    ),
    Mistake(
        "a damaged table",
        "status",
        ("catalog/items.parquet", "not a readable Parquet file", "run again"),
        damaged("catalog/items.parquet"),
    ),
    Mistake(
        "no documents to extract from",
        "backfill genome132-v1",
        ("holds no documents", "recfeat run --until text"),
        lambda place: place.lake().delete("documents"),
    ),
    Mistake(
        "no catalogue to report on",
        "report",
        ("holds no catalogue", "recfeat run"),
        lambda place: place.lake(),
    ),
    Mistake(
        "no feature store yet",
        "fingerprint 1",
        ("no feature store at", "feature_store.duckdb", "recfeat run"),
        lambda place: place.lake().feature_store.unlink(),
    ),
    Mistake(
        "a feature store in use",
        "fingerprint 1",
        ("feature_store.duckdb", "in use by another process", "Wait for that run"),
        lambda place: (quick(place), place.hold_store()),
    ),
    Mistake(
        "a file that is no feature store",
        "fingerprint 1",
        ("feature_store.duckdb", "not a readable feature store", "rebuilt from the lake"),
        damaged("feature_store.duckdb"),
    ),
    Mistake(
        "a feature store of a newer release",
        "fingerprint 1",
        ("store format 99", "Upgrade recfeat_pipeline", "delete the file"),
        newer,
    ),
    Mistake(
        "a feature store of an older release",
        "fingerprint 1",
        (f"store format {store.FORMAT}", "recfeat run --until feature_store", "no request is sent"),
        older_store,
    ),
    Mistake(
        "a feature store that was never filled",
        'fingerprint "Solaris (1972)"',
        ("not built yet", "recfeat run --until feature_store"),
        sql("DROP SCHEMA features CASCADE"),
    ),
    Mistake(
        "a title that nothing has",
        'fingerprint "Solarsi (1972)"',
        ("'Solarsi (1972)'", "did you mean 'Solaris (1972)'?"),
        lambda place: place.lake(),
    ),
    Mistake(
        "a title that two items have",
        "fingerprint Twin",
        ("'Twin' may be", "[1]", "[2]", "give the id"),
        sql(
            "INSERT INTO catalog.items (item_id, title) VALUES (1, 'Twin'), (2, 'Twin')",
        ),
    ),
    Mistake(
        "an item outside the corpus",
        "fingerprint 1",
        ("Other [1] has no scores", "outside the corpus", "recfeat score-item"),
        sql("INSERT INTO catalog.items (item_id, title, in_corpus) VALUES (1, 'Other', false)"),
    ),
    Mistake(
        "an item without neighbours",
        "neighbours 1",
        ("Other [1] has no vector", "recfeat status"),
        sql("INSERT INTO catalog.items (item_id, title, in_corpus) VALUES (1, 'Other', true)"),
    ),
    Mistake(
        "a version that was never extracted",
        'fingerprint "Solaris (1972)" --prompt-version genome132-v1+title-only',
        ("no scores of genome132-v1+title-only", "there are genome132-v1@", "recfeat backfill"),
        lambda place: place.lake(),
    ),
    Mistake(
        "an export to a folder that is not there",
        "export nowhere/features.parquet",
        ("nowhere/features.parquet", "a folder that exists"),
    ),
    Mistake(
        "an export to a format that is not written",
        "export features.xlsx",
        ("features.xlsx", ".parquet or .csv"),
    ),
    Mistake(
        "vectors in a CSV file",
        "export vectors.csv --what trained",
        ("no lists", ".parquet"),
    ),
    Mistake("an export of nothing known", "export f.csv --what all", ("'all'", "scores, profiles")),
    Mistake(
        "an export of profiles that nobody wrote",
        "export f.parquet --what profiles",
        ("no profiles", "there are none", "item-profile-v1"),
        lambda place: place.lake(),
    ),
    Mistake(
        "an option of another export",
        "export f.parquet --arm llm",
        ("--arm and --seed need --what trained",),
    ),
    Mistake(
        "a version of trained vectors",
        "export f.parquet --what trained --prompt-version genome132-v1",
        ("--prompt-version is of scores", "--arm"),
    ),
    Mistake(
        "a damaged file of paid answers",
        "status",
        ("responses/", "is damaged", "backup", "bought again"),
        lambda place: [
            place.lake().write_bytes(path, b"garbage " * 600)
            for path in place.lake().glob("responses/*/*.parquet")
        ],
    ),
    Mistake(
        "an export of several arms",
        "export f.parquet --what trained --arm base",
        ("'base'", "name one"),
        lambda place: place.lake(),
    ),
    Mistake(
        "an export of an arm without vectors",
        "export f.parquet --what trained --arm popularity",
        ("'popularity' with seed 0", "only a trained arm"),
        lambda place: place.lake(),
    ),
    Mistake(
        "an arm that was never trained",
        'neighbours "Solaris (1972)" --space trained --arm floor --seed 3',
        ("'floor', seed 3", "recfeat run --arms floor --seeds 3"),
        lambda place: place.lake(),
    ),
    Mistake(
        "a full disk",
        'score-item --title "Solaris (1972)" --text-file new.txt',
        ("Cannot write", "No space left on device", "nothing was half-written"),
        lambda place: (
            place.lake(),
            place.write("new.txt", "Plot: x"),
            place.patch.setattr("os.fsync", _raise_full),
        ),
    ),
    Mistake(
        "a full disk, met outside the lake",
        "report",
        ("The disk is full", "/lake/file", "run again"),
        lambda place: (
            place.lake(),
            place.patch.setattr("recfeat_pipeline.commands.lakes.open_lake", _raise_full),
        ),
    ),
    Mistake(
        "a folder without permission",
        "status",
        ("No permission", "/root/lake", "RECFEAT_LAKE"),
        lambda place: (
            place.lake(),
            place.patch.setattr("recfeat_pipeline.commands.lakes.open_lake", _raise_forbidden),
        ),
    ),
]


def _raise_full(*_: object) -> None:
    raise FULL


def _raise_forbidden(*_: object) -> None:
    raise PermissionError(13, "Permission denied", "/root/lake")
