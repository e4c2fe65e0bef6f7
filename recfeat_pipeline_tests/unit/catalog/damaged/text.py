"""Text with a delimiter."""

from recfeat_pipeline_tests.unit.catalog.damaged.case import (
    EVENTS,
    ITEMS,
    Damaged,
    at,
    events,
    items,
)

HTML = '"<p>A &amp; B<br>say<script>steal()</script> <b>hi</b></p>"'

TEXT = [
    Damaged(
        "a quotation mark that is never closed",
        ("events.csv, line 2", "opened and never closed"),
        events("7,1", '"7,1'),
    ),
    Damaged(
        "the same in the items", ("items.csv, line 2", "quotation mark"), items("A boy", '"A boy')
    ),
    Damaged(
        "cut inside a quoted value",
        ("items.csv, line 3", "never closed (or the file is cut short)"),
        {"items.csv": ITEMS[:52]},
    ),
    Damaged(
        "two stray marks, rows apart",
        ("events.csv, line 2", "closed only in a later row", "5 rows would become one value"),
        {"events.csv": EVENTS.replace("7,1", '"7,1').replace("9,3", '9",3')},
    ),
    Damaged(
        "one item swallows the next",
        ("items.csv, line 4", "closed only in a later row"),
        items("Short\n4,Milk,A cow.", '"Short\n4,Milk,A cow."'),
    ),
    Damaged(
        "text behind a closing mark",
        ("items.csv, line 5", "behind a closing quotation mark"),
        items("A cow.", '"A" cow.'),
    ),
    Damaged(
        "a row with a field too few",
        ("events.csv, line 5: 3 fields where the header has 4",),
        events("8,3,5.0,1600000300", "8,3,5.0"),
    ),
    Damaged(
        "a row with a field too many",
        ("events.csv, line 5: 5 fields",),
        events("8,3,5.0", "8,3,5,0"),
    ),
    Damaged(
        "cut in the middle of a row",
        ("events.csv, line 7: 3 fields", "cut short"),
        {"events.csv": EVENTS[:-14]},
    ),
    Damaged("cut in the middle of a value", (), {"events.csv": EVENTS[:-5]}),
    Damaged("an empty file", ("events.csv is empty",), {"events.csv": ""}),
    Damaged(
        "a header alone", ("events.csv has no rows",), {"events.csv": "user,item,rating,time\n"}
    ),
    Damaged(
        "no header", ("no column 'user'", "there is '7'"), {"events.csv": EVENTS.partition("\n")[2]}
    ),
    Damaged("semicolons in a .csv", ("delimiter = ';'",), events(",", ";", -1)),
    Damaged("tabs in a .csv", ("delimiter = '\\t'",), events(",", "\t", -1)),
    Damaged(
        "a delimiter of two characters",
        ("line 14", "'::' must be a single character"),
        keys='delimiter = "::"',
    ),
    Damaged("a column named twice", ("two columns named 'item'",), events("rating", "item")),
    Damaged("a column of another name", ("did you mean 'ratings'?",), events("rating", "ratings")),
    Damaged("a byte order mark", (), {"events.csv": "\ufeff" + EVENTS}),
    Damaged("lines that end as in Windows", (), events("\n", "\r\n", -1)),
    Damaged("lines that end as on old Macs", (), events("\n", "\r", -1)),
    Damaged("blank lines at the end", (), {"events.csv": EVENTS + "\n\n"}),
    Damaged("a blank line between rows", (), events("8,1", "\n8,1")),
    Damaged("no line end at the end", (), {"events.csv": EVENTS.rstrip()}),
    Damaged(
        "a comment before the header",
        ("there is '# exported'",),
        {"events.csv": "# exported\n" + EVENTS},
    ),
    Damaged(
        "another encoding, unsaid",
        ("items.csv, line 2", 'encoding = "cp1252"'),
        {"items.csv": ITEMS.encode("cp1252")},
    ),
    Damaged("UTF-16, unsaid", ('encoding = "utf-16"',), {"items.csv": ITEMS.encode("utf-16")}),
    Damaged(
        "an encoding of no name", ("'latin-99' names no encoding",), keys='encoding = "latin-99"'
    ),
    Damaged(
        "an encoding that does not fit",
        ("not ascii text", "name another encoding"),
        {"events.csv": EVENTS.encode() + b"\xff\n"},
        keys='encoding = "ascii"',
    ),
    Damaged(
        "zero bytes in a row",
        ("1 rows of items that are not in [items]",),
        events("8,3", "8,\0"),
        read=True,
        rows=5,
    ),
    Damaged("a value of 200,000 characters", (), items("Short", "word " * 40_000)),
    Damaged("a line break in a quoted value", (), items("Short", '"Sh\nort"')),
    Damaged("marks written twice", (), items("Short", '"So ""short"""')),
    Damaged(
        "tabs, and an inch mark",
        (),
        {"events.tsv": EVENTS.replace(",", "\t").replace("\n", '\t5"\n')},
        **at("events.tsv"),
    ),
    Damaged("HTML in a field", ("1 texts hold HTML",), items("Short", HTML), read=True),
]
