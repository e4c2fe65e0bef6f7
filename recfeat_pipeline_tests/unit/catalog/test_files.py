from pathlib import Path

import polars as pl
import pytest

from recfeat_pipeline.catalog.files import read_files
from recfeat_pipeline.catalog.types import CorpusRules
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.schemas import FIELDS, INTERACTIONS, TAGS
from recfeat_pipeline_tests.unit.catalog.conftest import FILES, replaced


def test_the_tiny_catalogue_is_read_whole(read):
    catalog = read()
    assert catalog.items.rows() == [
        (1, "Alpha (1990)", 1990, ["Drama", "War"], None, None),
        (2, "Beta (1991)", 1991, ["Comedy"], None, None),
        (3, "Gamma", None, [], None, None),
    ]
    assert catalog.fields.select("item_id", "label", "position", "text").rows() == [
        (1, "Title", 0, "Alpha (1990)"),
        (1, "Genres", 1, "Drama, War"),
        (1, "Plot", 2, "A plot,\non two lines"),
        (2, "Title", 0, "Beta (1991)"),
        (2, "Genres", 1, "Comedy"),
        (3, "Title", 0, "Gamma"),
        (3, "Plot", 2, "Short"),
    ]
    assert catalog.interactions.drop("position").rows() == [
        (7, 1, 4.0, 1000, None),
        (7, 2, 3.5, 2000, None),
        (8, 1, None, 1500, None),
        (8, 3, 5.0, 2500, None),
        (9, 1, 1.0, None, None),
    ]
    assert catalog.tags.rows() == [(1, "war", pytest.approx(0.9)), (2, "funny", 1.0)]
    assert catalog.rules == CorpusRules(1, 1, 10)
    assert catalog.notes == ()
    assert dict(catalog.fields.schema) == FIELDS
    assert dict(catalog.interactions.schema) == INTERACTIONS
    assert dict(catalog.tags.schema) == TAGS


def test_parquet_and_csv_read_alike(read, tmp_path):
    from_csv = read()
    pl.DataFrame(
        {
            "id": [1, 2, 3],
            "name": ["Alpha (1990)", "Beta (1991)", "Gamma"],
            "kinds": [["Drama", "War"], ["Comedy"], None],
            "plot": ["A plot,\non two lines", None, "Short"],
        }
    ).write_parquet(tmp_path / "items.parquet")
    pl.DataFrame(
        {
            "who": [7, 7, 8, 8, 9],
            "what": pl.Series([1, 2, 1, 3, 1], dtype=pl.Float64),
            "stars": [4.0, 3.5, float("nan"), 5.0, 1.0],
            "at": pl.from_epoch(pl.Series([1000, 2000, 1500, 2500, None])),
        }
    ).write_parquet(tmp_path / "log.parquet")
    toml = FILES["catalog.toml"].replace("items.csv", "items.parquet")
    from_parquet = read(**{"catalog.toml": toml.replace("log.csv", "log.parquet")})
    for name in ("items", "fields", "interactions", "tags"):
        assert getattr(from_parquet, name).equals(getattr(from_csv, name)), name


# -- mistakes that stop the reading: each names where, and what to do --------------------------

ERRORS = {
    "invalid toml": (replaced("catalog.toml", '"tiny"', "tiny"), ["catalog.toml", "line 1"]),
    "unknown key": (
        replaced("catalog.toml", "title =", "titel ="),
        ["line 5", "[items] 'titel'", "did you mean 'title'?"],
    ),
    "unknown section": (
        replaced("catalog.toml", "[corpus]", "[corpsu]"),
        ["line 20", "did you mean 'corpus'?"],
    ),
    "missing key": (replaced("catalog.toml", 'user = "who"\n', ""), ["[interactions]", "'user'"]),
    "key of the wrong type": (
        replaced("catalog.toml", 'rating = "stars"', "rating = 3"),
        ["line 13", "'rating'", "not 3"],
    ),
    "negative rule": (
        replaced("catalog.toml", "interactions = 1\n", "interactions = -1\n"),
        ["line 21", "not -1"],
    ),
    "rules that nobody meets": (
        replaced("catalog.toml", "max_user_interactions = 10", "max_user_interactions = 0"),
        ["min_user_interactions (1)", "max_user_interactions (0)"],
    ),
    "missing file": (
        replaced("catalog.toml", "log.csv", "logs.csv"),
        ["logs.csv does not exist", "did you mean 'log.csv'?"],
    ),
    "file of another kind": (
        {**replaced("catalog.toml", "log.csv", "log.docx"), "log.docx": "x"},
        ["log.docx", "of no kind that is read"],
    ),
    "missing column": (
        replaced("catalog.toml", '"stars"', '"starz"'),
        ["log.csv", "no column 'starz'", "did you mean 'stars'?"],
    ),
    "two columns of one name": (
        replaced("log.csv", "who,what,stars,at", "who,what,stars,stars"),
        ["log.csv", "two columns named 'stars'"],
    ),
    "empty file": ({"log.csv": ""}, ["log.csv is empty"]),
    "header alone": ({"log.csv": "who,what,stars,at\n"}, ["log.csv has no rows"]),
    "too many fields": (
        replaced("items.csv", "Beta (1991)", "Beta, the (1991)"),
        ["items.csv", "line 4", "5 fields where the header has 4"],
    ),
    "too few fields": (
        replaced("log.csv", "8,1,,1500", "8,1"),
        ["log.csv", "line 4", "2 fields where the header has 4"],
    ),
    "unclosed quotation mark": (
        replaced("items.csv", "3,Gamma", '3,"Gamma'),
        ["items.csv", "line 5"],
    ),
    "not utf-8": (
        {"items.csv": FILES["items.csv"].encode().replace(b"Gamma", b"G\xe4mma")},
        ["items.csv", "line 5", "UTF-8"],
    ),
    "one id, two titles": (
        replaced("items.csv", "3,Gamma", "1,Gamma"),
        ["line 2 and line 5", "'Alpha (1990)' and 'Gamma'"],
    ),
    "ids of another kind": (
        {"log.csv": "who,what,stars,at\n1,tt1,1,1\n1,tt2,1,1\n"},
        ["log.csv, line 2, column 'what'", "'tt1'", "items.csv"],
    ),
    "no ids at all": ({"log.csv": "who,what,stars,at\n,1,1,1\n"}, ["all 1 rows are rows without"]),
    "wrong rating column": (
        replaced("catalog.toml", 'title = "name"', 'title = "name"\nyear = "id"')
        | {"log.csv": "who,what,stars,at\n7,1,good,1\n7,2,bad,2\n8,1,3,3\n"},
        ["log.csv, line 2, column 'stars'", "'good' is not a number"],
    ),
    "wrong timestamp column": (
        {"log.csv": "who,what,stars,at\n7,1,1,early\n7,2,1,late\n"},
        ["line 2, column 'at'", "'early' is not a time"],
    ),
    "timestamps of no time": (
        {"log.csv": "who,what,stars,at\n7,1,1,-5\n7,2,1,-6\n"},
        ["line 2, column 'at'", "between 1970 and 2100"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "fragments"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_name_the_place_and_the_remedy(read, files, fragments):
    with pytest.raises(RecfeatError) as error:
        read(**files)
    for fragment in fragments:
        assert fragment in str(error.value)


SPLIT = FILES["catalog.toml"].replace('timestamp = "at"', 'timestamp = "at"\nsplit = "part"')


def test_a_split_of_another_name_is_an_error(read):
    log = "who,what,stars,at,part\n7,1,1,1,train\n7,2,1,2,dev\n"
    with pytest.raises(RecfeatError, match=r"log.csv, line 3, column 'part': 'dev' is none of"):
        read(**{"catalog.toml": SPLIT, "log.csv": log})


def test_a_broken_parquet_file_is_an_error(read):
    toml = FILES["catalog.toml"].replace("log.csv", "log.parquet")
    with pytest.raises(RecfeatError, match=r"log\.parquet is not a readable Parquet file"):
        read(**{"catalog.toml": toml, "log.parquet": b"PAR1 not really"})


def test_a_column_of_structs_is_an_error(read, tmp_path):
    pl.DataFrame({"id": [1], "name": ["A"], "kinds": [{"a": 1}], "plot": ["x"]}).write_parquet(
        tmp_path / "items.parquet"
    )
    with pytest.raises(RecfeatError, match=r"items.parquet: column 'kinds' holds Struct"):
        read(**{"catalog.toml": FILES["catalog.toml"].replace("items.csv", "items.parquet")})


def test_a_huge_cell_is_read_and_does_not_hide_where_a_fault_is(read):
    huge = "x" * 300_000
    items = f'id,name,kinds,plot\n1,Alpha,,{huge}\n2,Beta,,"{huge}"\n3,Gamma,,\n'
    texts = read(**{"items.csv": items}).fields.filter(label="Plot")["text"]
    assert texts.str.len_chars().to_list() == [300_000, 300_000]
    with pytest.raises(RecfeatError, match="line 5: 5 fields"):
        read(**{"items.csv": items + "4,Delta,,,\n"})


def test_tab_separated_files_have_no_quotes_unless_said(read):
    toml = FILES["catalog.toml"].replace("tags.csv", "tags.tsv")
    tags = 'id\ttag\tweight\n1\t12" disc\t1\n2\t"odd\t1\n'
    assert read(**{"catalog.toml": toml, "tags.tsv": tags}).tags["tag"].to_list() == [
        '12" disc', '"odd'
    ]  # fmt: skip
    said = toml.replace('path = "tags.tsv"', 'path = "tags.tsv"\nquote = "\\""')
    with pytest.raises(RecfeatError, match=r"tags\.tsv, line 3: a quotation mark is opened"):
        read(**{"catalog.toml": said, "tags.tsv": tags})


def test_text_on_several_lines_is_no_swallowed_row(read):
    plot = '"One, two\nthree, four\n5, six, seven, eight"'
    items = f"id,name,kinds,plot\n1,Alpha,,{plot}\n2,Beta,,\n3,Gamma,,\n"
    texts = read(**{"items.csv": items}).fields.filter(label="Plot")["text"]
    assert texts.to_list() == [plot.strip('"')]


def test_a_missing_catalogue_file_is_an_error(tmp_path):
    with pytest.raises(RecfeatError, match="Cannot read"):
        read_files(Path(tmp_path / "absent.toml"))


# -- mistakes that are mended: each is counted, with its line ----------------------------------

NOTES = {
    "row without item": (replaced("log.csv", "7,2,", "7,,"), "interactions_without_id", "line 3"),
    "row without user": (replaced("log.csv", "7,2,", ",2,"), "interactions_without_id", "line 3"),
    "rating": (replaced("log.csv", "7,2,3.5", "7,2,high"), "unparsable_rating", "line 3"),
    "infinite rating": (replaced("log.csv", "7,2,3.5", "7,2,inf"), "unparsable_rating", "line 3"),
    "unknown item": (replaced("log.csv", "7,2,", "7,99,"), "unknown_items", "line 3"),
    "item id of another type": (replaced("log.csv", "7,2,", "7,x9,"), "unknown_items", "line 3"),
    "zero-padded item id": (replaced("log.csv", "7,2,", "7,02,"), "unknown_items", "line 3"),
    "repeated pair": (replaced("log.csv", "7,2,3.5", "7,1,3.5"), "repeated_interactions", "line 3"),
}


@pytest.mark.parametrize(("files", "kind", "line"), NOTES.values(), ids=NOTES.keys())
def test_bad_interactions_are_dropped_and_counted(read, files, kind, line):
    catalog = read(**files)
    assert [(note.kind, note.count, note.examples) for note in catalog.notes] == [
        (kind, 1, (line,))
    ]
    assert catalog.interactions.select("user_id", "item_id").rows() == [
        (7, 1),
        (8, 1),
        (8, 3),
        (9, 1),
    ]
    assert catalog.interactions.schema["item_id"] == pl.Int64


def test_a_row_whose_time_cannot_be_read_stays_without_order(read):
    catalog = read(**replaced("log.csv", "3.5,2000", "3.5,soon"))
    [note] = catalog.notes
    assert (note.kind, note.count, note.examples) == ("unparsable_timestamp", 1, ("line 3",))
    assert catalog.interactions["timestamp"].to_list() == [1000, None, 1500, 2500, None]


def test_timestamps_out_of_range_are_unordered(read):
    catalog = read(**replaced("log.csv", "3.5,2000", "3.5,0"))
    assert [note.kind for note in catalog.notes] == ["timestamps_out_of_range"]
    assert catalog.interactions["timestamp"].to_list() == [1000, None, 1500, 2500, None]


def test_milliseconds_are_converted_and_said(read):
    log = FILES["log.csv"].replace("000\n", "000000000000\n").replace("500\n", "500000000000\n")
    catalog = read(**{"log.csv": log})
    assert [note.kind for note in catalog.notes] == ["timestamp_unit"]
    assert "milliseconds" in catalog.notes[0].message
    assert catalog.interactions["timestamp"][0] == 1_000_000_000


def test_the_first_of_repeated_pairs_is_kept_by_split_then_time(read):
    log = (
        "who,what,stars,at,part\n7,1,1,50,test\n7,1,2,90,train\n7,1,3,80,train\n"
        "7,2,4,,valid\n7,2,5,10,valid\n8,1,5,1,train\n"
    )
    catalog = read(**{"catalog.toml": SPLIT, "log.csv": log})
    assert catalog.interactions.drop("position").rows() == [
        (7, 1, 3.0, 80, "train"),
        (7, 2, 4.0, None, "valid"),
        (8, 1, 5.0, 1, "train"),
    ]
    assert [(n.kind, n.count) for n in catalog.notes] == [("repeated_interactions", 3)]


def test_rows_without_split_are_train_where_others_have_one(read):
    log = "who,what,stars,at,part\n7,1,1,10,Train\n7,2,1,20,\n8,1,1,30,test\n"
    catalog = read(**{"catalog.toml": SPLIT, "log.csv": log})
    assert catalog.interactions["split"].to_list() == ["train", "train", "test"]
    assert [(n.kind, n.examples) for n in catalog.notes] == [
        ("interactions_without_split", ("line 3",))
    ]
    nowhere = "who,what,stars,at,part\n7,1,1,10,\n7,2,1,20,\n"
    catalog = read(**{"catalog.toml": SPLIT, "log.csv": nowhere})
    assert catalog.interactions["split"].to_list() == [None, None]
    assert not catalog.notes


def test_what_a_leave_one_out_file_marks_is_held_out(read):
    log = "who,what,stars,at,part\n7,1,1,10,\n7,2,1,20,second_last\n7,3,1,30,last\n"
    catalog = read(**{"catalog.toml": SPLIT, "log.csv": log})
    assert catalog.interactions["split"].to_list() == ["train", "valid", "test"]


def test_the_corpus_section_names_a_split_and_its_shares(read):
    rules = read().rules
    assert (rules.split, rules.split_shares) == (None, (0.8, 0.1, 0.1))
    keys = '[corpus]\nsplit = "global_time"\nsplit_shares = [0.6, 0.2, 0.2]'
    rules = read(**replaced("catalog.toml", "[corpus]", keys)).rules
    assert (rules.split, rules.split_shares) == ("global_time", (0.6, 0.2, 0.2))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('split = "random"', "line 21, [corpus] 'split': 'random' is none of three_way, global"),
        ("split_shares = [0.8, 0.2]", "must be the shares of train, valid and test"),
        ("split_shares = [0.8, 0.1, 0.2]", "add up to 1"),
        ("split_shares = [1, 0, 0]", "three numbers above 0"),
        ('split = "published"\nsplit_shares = [0.8, 0.1, 0.1]', "has no shares to set"),
    ],
)
def test_a_split_that_cannot_be_is_an_error(read, keys, said):
    with pytest.raises(RecfeatError) as error:
        read(**replaced("catalog.toml", "[corpus]", f"[corpus]\n{keys}"))
    assert said in str(error.value)


def test_items_are_mended(read):
    header, alpha = "id,name,kinds,plot\n", "1,Alpha (1990),Drama,a\n"
    items = header + "1,,,\n" + alpha + "2,,,\n,Lost,,\n3,NA,,\n"
    catalog = read(**{"items.csv": items})
    assert catalog.items["title"].to_list() == ["Alpha (1990)", "item 2", "NA"]
    assert {(n.kind, n.count, n.examples) for n in catalog.notes} == {
        ("items_without_id", 1, ("line 5",)),
        ("repeated_items", 1, ("line 2",)),
        ("items_without_title", 1, ("line 4",)),
    }  # fmt: skip


def test_item_columns_that_do_not_parse_are_null_and_counted(read):
    toml = FILES["catalog.toml"].replace(
        'title = "name"',
        'title = "name"\nyear = "y"\nimdb_id = "imdb"\ntmdb_id = "tmdb"\ngenres = "g"',
    )
    items = (
        "id,name,kinds,plot,y,imdb,tmdb,g\n"
        '1,Alpha (1990),,,1989-05-01,114709,862,"Drama, War"\n'
        "2,Beta (1991),,,soon,nm1,8.5,\n3,Gamma,,,,tt0000001,NA,A|B\n"
    )
    catalog = read(**{"catalog.toml": toml, "items.csv": items})
    assert catalog.items.rows() == [
        (1, "Alpha (1990)", 1989, ["Drama", "War"], "tt0114709", 862),
        (2, "Beta (1991)", 1991, [], None, None),
        (3, "Gamma", None, ["A", "B"], "tt0000001", None),
    ]
    assert [(n.kind, n.count, n.examples) for n in catalog.notes] == [
        ("unparsable_year", 1, ("line 3",)),
        ("unparsable_imdb_id", 1, ("line 3",)),
        ("unparsable_tmdb_id", 1, ("line 3",)),
    ]


def test_tags_are_mended(read):
    tags = "id,tag,weight\n1,war,0.2\n1,war,0.7\n1,,1\n,war,1\n99,war,1\n2,funny,much\n2,na,NA\n"
    catalog = read(**{"tags.csv": tags})
    assert catalog.tags.rows() == [(1, "war", pytest.approx(0.7)), (2, "na", 1.0)]
    assert {(n.kind, n.count, n.examples) for n in catalog.notes} == {
        ("tags_without_item", 1, ("line 5",)),
        ("tags_without_name", 1, ("line 4",)),
        ("unparsable_relevance", 1, ("line 7",)),
        ("tags_of_unknown_items", 1, ("line 6",)),
    }  # fmt: skip


def test_text_ids_stay_text_everywhere(read):
    catalog = read(
        **{
            "items.csv": "id,name,kinds,plot\n007,A,,\nB-1,B,,\n",
            "log.csv": "who,what,stars,at\nann,007,1,1\nann,B-1,1,2\n",
            "tags.csv": "id,tag,weight\n007,spy,1\n",
        }
    )
    assert catalog.items["item_id"].to_list() == ["007", "B-1"]
    assert catalog.interactions.select("user_id", "item_id").rows() == [
        ("ann", "007"),
        ("ann", "B-1"),
    ]
    assert catalog.tags["item_id"].to_list() == ["007"]
    assert catalog.fields["item_id"].dtype == pl.String


def test_without_optional_columns(read):
    toml = """
name = "bare"
[items]
path = "items.csv"
id = "id"
title = "name"
[interactions]
path = "log.csv"
user = "who"
item = "what"
"""
    catalog = read(**{"catalog.toml": toml})
    assert catalog.tags is None
    assert catalog.rules == CorpusRules()
    assert catalog.fields["label"].unique().to_list() == ["Title"]
    assert catalog.interactions.null_count().row(0) == (0, 0, 5, 5, 5, 5)


def test_a_title_of_its_own_label_is_not_doubled(read):
    toml = FILES["catalog.toml"].replace('Genres = "kinds"', 'Title = "name"\nGenres = "kinds"')
    fields = read(**{"catalog.toml": toml}).fields
    assert fields.filter(pl.col("item_id") == 1)["label"].to_list() == ["Title", "Genres", "Plot"]
