"""What stands in the columns, and where the files lie."""

from recfeat_pipeline_tests.unit.catalog.damaged.case import (
    EVENTS,
    FRAME,
    ITEMS,
    Damaged,
    at,
    column,
    events,
    items,
)

VALUES = [
    Damaged(
        "days and months that nobody can tell apart",
        ("line 2", "'03/04/2021'", '"%d/%m/%Y"', '"%m/%d/%Y"', "2024-03-31"),
        column("time", ["03/04/2021"] * 6),
    ),
    Damaged(
        "a date format that does not fit",
        ("line 2", "'03/04/2021' is not a time"),
        column("time", ["03/04/2021"] * 6),
        keys='date_format = "%Y.%m.%d"',
    ),
    Damaged(
        "a date format that fits",
        (),
        column("time", ["03/04/2021"] * 6),
        keys='date_format = "%d/%m/%Y"',
    ),
    Damaged(
        "some times that are none",
        ("1 rows whose timestamp is not a time: kept, without order",),
        events("1600000200", "soon"),
        read=True,
    ),
    Damaged(
        "seconds and milliseconds in one column",
        ("1 times are in milliseconds; converted",),
        events("1600000200", "1600000200000"),
        read=True,
    ),
    Damaged(
        "times before 1970 and after 2099",
        ("2 timestamps outside 1970-2099",),
        column("time", [-5, 9_999_999_999, *FRAME["time"][2:]]),
        read=True,
    ),
    Damaged(
        "times that count",
        ("counts rather than tells the time",),
        column("time", [0, 1, 0, 1, 0, 1]),
        read=True,
    ),
    Damaged(
        "decimal commas, unsaid",
        ("'4,5' is not a number", 'decimal = ","'),
        column("rating", ["4,5"] * 6),
    ),
    Damaged(
        "a rating that is a word",
        ("1 rows whose rating is not a number dropped",),
        events("1.5", "good"),
        read=True,
        rows=5,
    ),
    Damaged(
        "ratings that are mostly words",
        ("line 2", "'good' is not a number", "is it the right one?"),
        column("rating", ["good"] * 5 + ["5"]),
    ),
    Damaged("ratings of NA and nan", (), column("rating", ["NA", "nan", "", "5", "4", "3"])),
    Damaged(
        "one id with two titles",
        ("line 4 and line 5", "'Coffee' and 'Milk'"),
        items("4,Milk", "3,Milk"),
    ),
    Damaged(
        "an item row repeated",
        ("1 repeated item rows dropped",),
        {"items.csv": ITEMS + "4,Milk,A cow.\n"},
        read=True,
    ),
    Damaged(
        "items that are not in the catalogue",
        ("1 rows of items that are not in [items] dropped",),
        events("9,4", "9,44"),
        read=True,
        rows=5,
    ),
    Damaged(
        "no item that is in the catalogue",
        ("line 2", "neither 'x0' nor any other item id"),
        column("item", [f"x{i}" for i in range(6)]),
    ),
    Damaged(
        "zeros before ids",
        ("neither '001' nor any other item id",),
        column("item", [f"00{i}" for i in FRAME["item"]]),
    ),
    Damaged(
        "rows without a user",
        ("1 rows without user or item dropped",),
        events("8,1", ",1"),
        read=True,
        rows=5,
    ),
    Damaged("no user at all", ("all 6 rows are rows without user",), column("user", [""] * 6)),
    Damaged(
        "a user who meets an item twice",
        ("1 repeats of a (user, item) pair dropped",),
        {"events.csv": EVENTS + "7,1,2.0,1600009999\n"},
        read=True,
    ),
    Damaged("numbers and words for users", (), events("8,1", "u8,1")),
    Damaged("an item without a title", ("1 items without title",), items("Coffee", ""), read=True),
    Damaged(
        "a threshold that nothing passes",
        ("all 6 rows are rows whose rating is below 9",),
        keys="positive_from = 9",
    ),
    Damaged(
        "a split of another word",
        ("line 7", "'later' is none of train, valid, test"),
        column("part", ["train"] * 5 + ["later"]),
        keys='split = "part"',
    ),
]
PLACES = [
    Damaged("a file of a near name", ("did you mean 'events.csv'?",), **at("event.csv")),
    Damaged("a folder for a file", ("e is a folder",), {"e": lambda path: path.mkdir()}, **at("e")),
    Damaged(
        "a kind of file that is not read",
        ("e.docx is of no kind that is read", ".parquet"),
        {"e.docx": b"PK"},
        **at("e.docx"),
    ),
    Damaged(
        "an address that does not answer",
        (
            "http://127.0.0.1:9/events.csv cannot be fetched",
            "refused|Cannot connect|Connect call failed",
        ),
        **at("http://127.0.0.1:9/events.csv"),
    ),
    Damaged(
        "an address with no such file",
        ("cannot be fetched", "404|Not Found|no such file"),
        **at("{server}/nothing.csv"),
    ),
    Damaged(
        "a server that hangs up halfway",
        ("cannot be fetched", "received 40 of 136"),
        **at("{server}/events.csv"),
    ),
]
