"""Wrong words on the command line."""

from recfeat_pipeline_tests.integration.mistakes.place import Mistake, Place

SCORE = "score-item --title Solaris --text-file new.txt"


def untagged(place: Place) -> None:
    """A catalogue without curated tags, and a folder for a taxonomy."""
    place.catalog('[tags]\npath = "tags.csv"\nitem = "item"\ntag = "tag"\n')
    place.env(RECFEAT_PROMPTS=str(place.folder))


def with_catalogue(place: Place) -> None:
    """The lake has read one, as far as the report can tell."""
    about = {"name": "x", "source": "embedded", "notes": []}
    place.lake().write_note("catalog", about)
    place.lake().write_note("corpus", {})


MISTAKES = [
    Mistake("a command that does not exist", "rnu", ("'rnu'", "recfeat --help"), code=2),
    Mistake(
        "a misspelt option", "run --sede 1", ("--sede", "--seeds", "recfeat run --help"), code=2
    ),
    Mistake(
        "text for a number", "run --steps many", ("'--steps'", "integer", "run --help"), code=2
    ),
    Mistake("a number out of range", "run --steps 0", ("'--steps'", "equal to 1"), code=2),
    Mistake("a missing argument", "download", ("Missing argument", "download --help"), code=2),
    Mistake("an option without value", "ui --port", ("'--port'", "recfeat --help"), code=2),
    Mistake("seeds that are no numbers", "run --seeds a,b", ("--seeds 'a,b'", "as in 0,1,2")),
    Mistake("a seed out of range", "run --seeds 99", ("--seeds 99", "from 0 to 19")),
    Mistake("a stage that does not exist", "run --until trainig", ("'trainig'", "training, ")),
    Mistake(
        "an arm that does not exist", "run --arms llmm", ("'llmm'", "mean 'llm'?", "recfeat arms")
    ),
    Mistake(
        "a shard that does not exist",
        "backfill genome132-v1 --shards 0,99",
        ("--shards '0,99'", "from 0 to 15"),
        lambda place: place.lake(),
    ),
    Mistake(
        "a prompt version that does not exist",
        "run --prompt-version genome",
        ("No prompt version 'genome'", "genome132-v1", "recfeat prompts new"),
    ),
    Mistake("an item that is not named", "score-item", ("--tmdb ID", "--title TITLE with")),
    Mistake("an item without text", "score-item --title X", ("--text-file FILE", "- for stdin")),
    Mistake(
        "a text file that is not there",
        SCORE,
        ("--text-file new.txt", "No such file", "name a text file"),
    ),
    Mistake(
        "an empty text file",
        SCORE,
        ("--text-file new.txt is empty", "give the item's text"),
        lambda place: place.write("new.txt", " \n"),
    ),
    Mistake(
        "a text file in another encoding",
        SCORE,
        ("--text-file new.txt", "not UTF-8", "save it as UTF-8"),
        lambda place: place.write("new.txt", "Amélie".encode("latin-1")),
    ),
    Mistake(
        "an id of the wrong type",
        f"{SCORE} --item-id B07",
        ("--item-id 'B07'", "whole number"),
        lambda place: place.write("new.txt", "x") and place.lake(),
    ),
    Mistake("a TMDB id without a key", "score-item --tmdb 862", ("TMDB_API_KEY", "title and text")),
    Mistake(
        "scores from a version that asks for profiles",
        f"{SCORE} --prompt-version item-profile-v1",
        ("item-profile-v1 asks for item_profile", "--prompt-version"),
    ),
    Mistake(
        "promoting a version that asks for profiles",
        "prompts promote item-profile-v1",
        ("item-profile-v1 asks for item_profile", "only scores"),
        lambda place: place.lake(),
    ),
    Mistake(
        "items extracted with a version about users",
        "backfill user-profile-v1",
        ("user-profile-v1 asks for a user_profile", "recfeat prompts list"),
        lambda place: place.lake(),
    ),
    Mistake(
        "items extracted with a version that drafts",
        "run --prompt-version taxonomy-draft-v1",
        ("taxonomy-draft-v1 asks for a taxonomy", "recfeat prompts list"),
    ),
    Mistake(
        "a draft without a model",
        'taxonomy draft mine --domain "Recipes of cooks"',
        ("none is set", "OPENAI_API_KEY", "recfeat taxonomy derive"),
        lambda place: place.env(RECFEAT_PROMPTS=str(place.folder)),
    ),
    Mistake("a new taxonomy without a folder", "taxonomy derive mine", ("Set RECFEAT_PROMPTS",)),
    Mistake(
        "a taxonomy of a catalogue without tags",
        "taxonomy derive mine --catalog little.toml",
        ("no curated tags", "[tags]", "by hand"),
        untagged,
    ),
    Mistake(
        "a taxonomy that does not exist",
        "prompts new mine --taxonomy nosuch",
        ("No taxonomy 'nosuch'", "genome132", "RECFEAT_PROMPTS"),
        lambda place: place.env(RECFEAT_PROMPTS=str(place.folder)),
    ),
    Mistake("a new version without a folder", "prompts new mine", ("Set RECFEAT_PROMPTS",)),
    Mistake(
        "a version name that is no folder name",
        "prompts new Mine!",
        ("'Mine!'", "small letters"),
        lambda place: place.env(RECFEAT_PROMPTS=str(place.folder)),
    ),
    Mistake(
        "a version name that is taken",
        "prompts new genome132-v1",
        ("'genome132-v1' already", "another name"),
        lambda place: place.env(RECFEAT_PROMPTS=str(place.folder)),
    ),
    Mistake(
        "a release that does not exist", "download ml-33m", ("'ml-33m'", "choose one of", "ml-32m")
    ),
    Mistake(
        "a folder that is a file",
        "download ml-32m --folder here",
        ("here", "name a folder"),
        lambda place: place.write("here", "x"),
    ),
    Mistake(
        "a port in use",
        "ui --port 47613",
        ("port 47613", "another program", "--port 47614"),
        lambda place: place.hold_port(47613),
    ),
    Mistake(
        "an address of another machine",
        "explore --host 203.0.113.7",
        ("203.0.113.7", "not this machine's", "--port"),
    ),
    Mistake(
        "a host that is no address", "ui --host not-a-host.invalid", ("not-a-host", "127.0.0.1")
    ),
    Mistake(
        "a space that does not exist", "neighbours 1 --space x", ("'x'", "features or trained")
    ),
    Mistake(
        "a copy of the report to nowhere",
        "report -o no/such/folder/report.html",
        ("no/such/folder/report.html", "a folder that exists"),
        with_catalogue,
    ),
]
