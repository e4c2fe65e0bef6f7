"""Catalogue files and the tables that they name."""

from recfeat_pipeline_tests.integration.mistakes.place import Mistake, Place


def broken(file: str, old: str, new: str):
    """The good catalogue, with one of its files changed in one place."""

    def prepare(place: Place) -> None:
        place.catalog()
        place.change(file, old, new)

    return prepare


def rewritten(file: str, content: str | bytes):
    """The good catalogue, with one of its files replaced."""

    def prepare(place: Place) -> None:
        place.catalog()
        place.write(file, content)

    return prepare


def spec(old: str, new: str):
    """The good catalogue, with its TOML changed in one place."""
    return lambda place: place.catalog(old, new)


def swapped(place: Place) -> None:
    place.catalog('user = "user"\nitem = "item"', 'user = "item"\nitem = "user"')


CHECK = "check little.toml"

MISTAKES = [
    Mistake("a path that is not there", "check nowhere.toml", ("nowhere.toml", "check --catalog")),
    Mistake(
        "a folder that is no release",
        "check .",
        ("not a GroupLens folder", "ratings.csv", "little.toml"),
        lambda place: place.catalog(),
    ),
    Mistake(
        "a table in place of a catalogue file",
        "check items.csv",
        ("items.csv", "neither a folder nor a .toml", "catalogue file"),
        lambda place: place.catalog(),
    ),
    Mistake(
        "a file that is no TOML",
        CHECK,
        ("little.toml", "not valid TOML", "line 3"),
        spec('path = "items.csv"', "path = items.csv"),
    ),
    Mistake(
        "a misspelt key",
        CHECK,
        ("little.toml", "line 5", "'titel'", "'title'"),
        spec('title = "title"', 'titel = "title"'),
    ),
    Mistake(
        "a section that is missing",
        CHECK,
        ("little.toml", "[items] lacks 'title'", "add it"),
        spec('title = "title"', ""),
    ),
    Mistake(
        "a value of the wrong type",
        CHECK,
        ("little.toml", "[corpus] 'min_user_interactions'", "whole number", "'three'"),
        spec("min_user_interactions = 3", 'min_user_interactions = "three"'),
    ),
    Mistake(
        "a smallest above the largest",
        CHECK,
        ("little.toml", "min_user_interactions (99)", "no user could qualify"),
        spec("min_user_interactions = 3", "min_user_interactions = 99"),
    ),
    Mistake(
        "a table that is not there",
        CHECK,
        ("[items]", "item.csv", "does not exist", "'items.csv'"),
        spec('path = "items.csv"', 'path = "item.csv"'),
    ),
    Mistake(
        "a table of an unknown kind",
        CHECK,
        ("[items]", "items.docx", "convert it"),
        lambda place: (
            place.catalog('"items.csv"', '"items.docx"'),
            place.write("items.docx", "x"),
        ),
    ),
    Mistake(
        "a column that is not there",
        CHECK,
        ("[interactions]", "events.csv", "'users'", "'user'"),
        spec('user = "user"', 'user = "users"'),
    ),
    Mistake(
        "an empty file",
        CHECK,
        ("[interactions]", "events.csv is empty", "right file"),
        rewritten("events.csv", ""),
    ),
    Mistake(
        "a file with a header alone",
        CHECK,
        ("[interactions]", "events.csv has no rows", "right file"),
        rewritten("events.csv", "user,item,rating,time\n"),
    ),
    Mistake(
        "an id that stands for two items",
        CHECK,
        ("items.csv", "line 2 and line 3", "item id 1", "an id of its own"),
        broken("items.csv", "\n2,The", "\n1,The"),
    ),
    Mistake(
        "swapped columns",
        CHECK,
        ("events.csv", "'u0'", "items.csv", "[interactions] item and [items] id"),
        swapped,
    ),
    Mistake(
        "an unquoted comma",
        CHECK,
        ("items.csv", "line 4", "5 fields where the header has 4", "comma"),
        broken("items.csv", "In film 2 friends", "In film 2, friends"),
    ),
    Mistake(
        "text in another encoding",
        CHECK,
        ("items.csv", "line 2", "save the file as UTF-8"),
        rewritten("items.csv", "id,title,genres,plot\n1,Amélie,x,y\n".encode("latin-1")),
    ),
    Mistake(
        "a damaged Parquet file",
        CHECK,
        ("[items]", "items.parquet", "not a readable Parquet file", "Write it again"),
        lambda place: (
            place.catalog('"items.csv"', '"items.parquet"'),
            place.write("items.parquet", b"PAR1 and nothing else PAR1"),
        ),
    ),
    Mistake(
        "a column of ratings that holds none",
        CHECK,
        ("events.csv", "line 2", "'user'", "not a number", "right one"),
        spec('rating = "rating"', 'rating = "user"'),
    ),
    Mistake(
        "a column of times that holds none",
        CHECK,
        ("events.csv", "line 2", "'user'", "not a time", "right one"),
        spec('timestamp = "time"', 'timestamp = "user"'),
    ),
    Mistake(
        "a split of another name",
        CHECK,
        ("events.csv", "line 2", "train, valid, test", "rename it"),
        spec('timestamp = "time"', 'split = "user"'),
    ),
    Mistake(
        "rules that no item passes",
        CHECK,
        ("No item has more than 500 interactions", "lower [corpus] more_than_item_interactions"),
        spec("more_than_item_interactions = 5", "more_than_item_interactions = 500"),
    ),
    Mistake(
        "rules that no user passes",
        CHECK,
        ("No user has 30 to 50", "10 to 10", "change [corpus]"),
        spec("min_user_interactions = 3", "min_user_interactions = 30"),
    ),
    Mistake(
        "a rating in a release that is no number",
        "check release",
        ("ratings.csv", "line 3", "'rating'", "'good' is not a number", "mend the line"),
        lambda place: (
            place.write("release/movies.csv", "movieId,title,genres\n1,Alien (1979),Horror\n"),
            place.write("release/links.csv", "movieId,imdbId,tmdbId\n1,78748,348\n"),
            place.write(
                "release/ratings.csv", "userId,movieId,rating,timestamp\n1,1,4,9\n1,1,good,9\n"
            ),
        ),
    ),
    Mistake("nothing to draft from", "init", ("There is no table", ".csv", "name your files")),
    Mistake(
        "a draft over a file",
        "init -o little.toml",
        ("little.toml is there already", "--force"),
        lambda place: place.catalog(),
    ),
    Mistake(
        "no table with users",
        "init items.csv",
        ("[interactions]", "items.csv has id, title", "--interactions FILE"),
        lambda place: place.catalog(),
    ),
    Mistake(
        "a catalogue that became unreadable, met in a run",
        "run --catalog little.toml --until catalog",
        ("items.csv", "line 4", "5 fields", "comma"),
        broken("items.csv", "In film 2 friends", "In film 2, friends"),
    ),
]
