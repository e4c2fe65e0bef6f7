"""Environment variables and the files that they name."""

from recfeat_pipeline_tests.integration.mistakes.place import SECRET, Mistake, Place

VERSION = 'name = "mine"\nextends = "genome132-v1"\n'


def env(**variables: str):
    """Set these variables."""
    return lambda place: place.env(**variables)


def version(content: str, name: str = "mine"):
    """A prompt version of the user's own."""

    def prepare(place: Place) -> None:
        place.write(f"prompts/{name}/version.toml", content)
        place.env(RECFEAT_PROMPTS=str(place.folder / "prompts"))

    return prepare


def taxonomy(dimensions: str):
    """A taxonomy of the user's own."""

    def prepare(place: Place) -> None:
        groups = f"[{{name: taste, dimensions: [{dimensions}]}}]"
        place.write("prompts/taxonomies/mine.yaml", f"name: mine\ngroups: {groups}\n")
        place.env(RECFEAT_PROMPTS=str(place.folder / "prompts"))

    return prepare


def prices(content: str):
    """A price table of the user's own."""

    def prepare(place: Place) -> None:
        place.write("prompts/prices.toml", content)
        place.env(RECFEAT_PROMPTS=str(place.folder / "prompts"))

    return prepare


MISTAKES = [
    Mistake(
        "text for a number",
        "status",
        ("RECFEAT_LLM_CONCURRENCY", "integer", "recfeat doctor"),
        env(RECFEAT_LLM_CONCURRENCY="many"),
    ),
    Mistake(
        "a number out of range",
        "estimate",
        ("RECFEAT_TMDB_RATE", "less than or equal to 40", "Mend or unset it"),
        env(RECFEAT_TMDB_RATE="500"),
    ),
    Mistake(
        "a URL without its scheme",
        "run",
        ("OPENAI_BASE_URL", "http://localhost:8000/v1"),
        env(OPENAI_BASE_URL="localhost:8000/v1"),
    ),
    Mistake(
        "a URL with an impossible port",
        "run",
        ("RECFEAT_SPARQL_URL", "Port out of range"),
        env(RECFEAT_SPARQL_URL="http://localhost:99999/sparql"),
    ),
    Mistake(
        "a URL without a host",
        "run",
        ("RECFEAT_WIKIDATA_BASE_URL", "names no host"),
        env(RECFEAT_WIKIDATA_BASE_URL="http:///wikidata"),
    ),
    Mistake(
        "a key in place of a URL",
        "doctor",
        ("RECFEAT_LLM_BASE_URL", "no URL"),
        env(RECFEAT_LLM_BASE_URL=SECRET),
    ),
    Mistake(
        "a lake on a store that is not installed",
        "status",
        ("s3://bucket/lake", "recfeat_pipeline[s3]"),
        env(RECFEAT_LAKE="s3://bucket/lake"),
    ),
    Mistake(
        "a lake on a protocol that does not exist",
        "status",
        ("foo://bucket", "RECFEAT_LAKE"),
        env(RECFEAT_LAKE="foo://bucket"),
    ),
    Mistake(
        "a lake that is a file",
        "run --until catalog",
        ("/file is a file", "RECFEAT_LAKE to a folder"),
        lambda place: (
            place.write("file", "x"),
            place.env(RECFEAT_LAKE=str(place.folder / "file")),
        ),
    ),
    Mistake(
        "a catalogue that the setting names and is not there",
        "estimate",
        ("gone.toml", "RECFEAT_CATALOG"),
        env(RECFEAT_CATALOG="gone.toml"),
    ),
    Mistake(
        "a prompt version that is no TOML",
        "prompts list",
        ("mine/version.toml", "not valid TOML", "line 1"),
        version("name = mine"),
    ),
    Mistake(
        "a prompt version with a misspelt setting",
        "prompts show mine",
        ("'mine'", "'modle'", "nothing reads", "model, "),
        version(VERSION + 'modle = "gpt-4.1"\n'),
    ),
    Mistake(
        "a prompt version under another name",
        "prompts show mine",
        ("'mine'", "name = 'other'", "must agree"),
        version('name = "other"\nextends = "genome132-v1"\n'),
    ),
    Mistake(
        "a prompt version that extends itself",
        "prompts show mine",
        ("'mine' extends itself", "name another version"),
        version('name = "mine"\nextends = "mine"\n'),
    ),
    Mistake(
        "a taxonomy with a dimension twice",
        "taxonomy list",
        ("mine.yaml", "two dimensions are called 'sweet'", "unique"),
        taxonomy("{name: sweet, gloss: a}, {name: sweet, gloss: b}"),
    ),
    Mistake(
        "a taxonomy with a dimension that says nothing",
        "taxonomy show mine",
        ("mine.yaml, group 'taste', dimension 'sweet'", "gloss is missing"),
        taxonomy("{name: sweet}"),
    ),
    Mistake(
        "a prompt version with a cut that is none",
        "estimate --prompt-version mine",
        ("'short'", "characters", "[cuts]"),
        version(VERSION + '[cuts]\nPlot = "short"\n'),
    ),
    Mistake(
        "a price table that is none",
        "estimate",
        ("prices.toml", "not a price table", "for its form"),
        prices("[models.gpt]\ninput = 'cheap'\n"),
    ),
]
