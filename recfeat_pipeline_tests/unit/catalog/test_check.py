import pytest

from recfeat_pipeline.catalog.check import check_catalog
from recfeat_pipeline.catalog.corpus import build_corpus
from recfeat_pipeline_tests.unit.catalog.conftest import FILES, replaced


@pytest.fixture
def check(read):
    def _check(**files):
        catalog = read(**files)
        return check_catalog(catalog, build_corpus(catalog))

    return _check


LOG = "who,what,stars,at\n" + "".join(f"{u},{i},4,{u}{i}\n" for u in range(1, 30) for i in (1, 2))


def test_the_tiny_catalogue(check):
    result = check(**{"log.csv": LOG})
    # Corpus items 1 and 2; beside the title "Drama, War" with "A plot,\non two lines", "Comedy".
    assert result.text_lengths["characters"].to_list()[0] == 6
    assert result.text_lengths["characters"].to_list()[-1] == 30
    assert result.thin_share == 1.0
    assert result.fields.rows() == [
        ("Title", 2, 1.0, 11.5),
        ("Genres", 2, 1.0, 8.0),
        ("Plot", 1, 0.5, 20.0),
    ]
    assert result.overlap.rows() == [
        ("items with interactions", 2, 3, pytest.approx(2 / 3)),
        ("items in the corpus", 2, 3, pytest.approx(2 / 3)),
        ("items that get features", 3, 3, 1.0),
        ("users in the corpus", 29, 29, 1.0),
        ("events in the corpus", 58, 58, 1.0),
        ("corpus items with text beside the title", 2, 2, 1.0),
        ("corpus items with curated tags", 2, 2, 1.0),
    ]
    assert result.arms["usable"].to_list() == [True, True, True]
    assert result.notes.is_empty()
    assert len(result.warnings) == 2  # the times are made up
    assert "100% of corpus items have fewer than 200 characters" in result.warnings[0]


def test_notes_become_rows(check):
    result = check(**{"log.csv": LOG + "5,99,1,1\n"})
    assert result.notes.rows() == [
        (
            "unknown_items",
            1,
            "log.csv: 1 rows of items that are not in [items] dropped",
            ["line 60"],
        )
    ]


@pytest.mark.parametrize(
    ("n_tagged", "usable", "reason"),
    [
        (1, False, "skipped: curated tags cover 10% of corpus items"),
        (5, True, "usable: curated tags cover 50% of corpus items; the others count as untagged"),
        (9, True, "usable: curated tags cover 90% of corpus items"),
    ],
)
def test_the_verdict_on_curated_tags_follows_their_coverage(check, n_tagged, usable, reason):
    items = "id,name,kinds,plot\n" + "".join(f"{i},Film {i},,\n" for i in range(10))
    log = "who,what,stars,at\n" + "".join(f"{u},{i},4,1\n" for u in (1, 2) for i in range(10))
    tags = "id,tag,weight\n" + "".join(f"{i},war,1\n" for i in range(n_tagged))
    result = check(**{"items.csv": items, "log.csv": log, "tags.csv": tags})
    assert result.arms.row(1) == ("curated tags", usable, reason)


def test_without_tags_their_arm_is_skipped(read):
    toml = replaced("catalog.toml", "[tags]\n", "")["catalog.toml"]
    start = toml.index('path = "tags.csv"')
    toml = toml[:start] + toml[toml.index("[corpus]") :]
    catalog = read(**{"catalog.toml": toml, "log.csv": LOG})
    result = check_catalog(catalog, build_corpus(catalog))
    assert result.arms.row(1) == (
        "curated tags", False, "skipped: the catalogue brings no curated tags",
    )  # fmt: skip


def test_warnings_name_missing_times_missing_splits_and_twins(check):
    items = "id,name,kinds,plot\n1,Alpha (1990),,\n2,Alpha (1990),,\n"
    log = "who,what,stars,at\n7,1,4,\n7,2,4,\n8,1,4,\n8,2,4,5\n"
    tags = "id,tag,weight\n1,war,1\n"
    warnings = check(**{"items.csv": items, "log.csv": log, "tags.csv": tags}).warnings
    assert any("75% of events carry no time" in warning for warning in warnings)
    assert any("No event falls into the" in warning for warning in warnings)
    assert any("2 corpus items share their title" in warning for warning in warnings)


def test_a_leaking_split_is_a_warning(read):
    toml = replaced("catalog.toml", 'timestamp = "at"', 'timestamp = "at"\nsplit = "part"')
    log = "who,what,stars,at,part\n7,1,4,90,train\n7,2,4,10,test\n8,1,4,1,valid\n8,2,4,2,test\n"
    catalog = read(**toml, **{"log.csv": log})
    warnings = check_catalog(catalog, build_corpus(catalog)).warnings
    assert any("1 events are earlier in time" in warning for warning in warnings)


def test_odd_times_and_fields_that_are_never_fed_are_said(check):
    toml = FILES["catalog.toml"].replace('Plot = "plot"', 'Votes = "plot"')
    found = check(**{"log.csv": LOG, "catalog.toml": toml})
    warnings = found.warnings
    assert found.fields["label"].to_list() == ["Title", "Genres"]
    assert any("'Votes' is never fed" in warning for warning in warnings)
    assert any("Times run from 1970-01-01 to 1970-01-01" in warning for warning in warnings)
    lines = [line.rpartition(",") for line in LOG.splitlines()[1:]]
    now = "who,what,stars,at\n" + "".join(f"{a},{1_600_000_000 + int(t)}\n" for a, _, t in lines)
    assert not any("Times run" in warning for warning in check(**{"log.csv": now}).warnings)


def test_a_field_that_spells_the_tags_out_is_said(check):
    n = 30
    items = "id,name,kinds,plot\n" + "".join(f"{i},Film {i},war|t{i},Told\n" for i in range(n))
    log = "who,what,stars,at\n" + "".join(f"{u},{i},4,{u}7{i}\n" for u in (1, 2) for i in range(n))
    tags = "id,tag,weight\n" + "".join(
        f"{i},{tag},1\n" for i in range(n) for tag in ("War", f"t{i}")
    )
    rules = FILES["catalog.toml"].replace(
        "max_user_interactions = 10", "max_user_interactions = 99"
    )
    files = {"items.csv": items, "log.csv": log, "catalog.toml": rules}
    said = "The field 'Genres' spells out 100% of its items' curated tags"
    assert any(said in warning for warning in check(**files, **{"tags.csv": tags}).warnings)
    other = "id,tag,weight\n" + "".join(f"{i},calm,1\n" for i in range(n))
    warnings = check(**files, **{"tags.csv": other}).warnings
    assert not any("spells out" in warning for warning in warnings)
