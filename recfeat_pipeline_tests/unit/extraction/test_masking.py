import polars as pl
import pytest

from recfeat_pipeline.extraction.masking import mask
from recfeat_pipeline.extraction.requests import build, keyed, opening, shown
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.schemas import DOCUMENTS

PEOPLE = ("Cast", "Director")


def documents(title: str, **fields: str) -> pl.DataFrame:
    given = [{"label": label, "source": "catalog", "text": text} for label, text in fields.items()]
    row = {"item_id": 1, "title": title, "text": "", "content_hash": "", "n_chars": 0}
    return pl.DataFrame([{**row, "fields": given}], schema=DOCUMENTS)


def masked(title: str, **fields: str) -> dict[str, str]:
    [row] = mask(documents(title, **fields), PEOPLE)["fields"].to_list()
    return {field["label"]: field["text"] for field in row}


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Heat (1995)", "Heat is a crime film.", "[title] is a crime film."),
        ("Heat (1995)", "The Heater is hot.", "The Heater is hot."),
        ("Matrix, The (1999)", "In The Matrix, Neo wakes.", "In [title], Neo wakes."),
        ("Amélie (Le fabuleux destin) (2001)", "Le fabuleux destin!", "[title]!"),
        ("Ran (1985)", "Filmed by Akira Kurosawa in Japan.", "Filmed by [person] in Japan."),
        ("Ran (1985)", "It stars Mel Gibson, Al Pacino and Bo Li.",
         "It stars [person], [person] and [person]."),
        ("Toy Story (1995)", "Woody (voice: Tom Hanks) plots. Woody's plan works; Hanks shines.",
         "[character] (voice: [person]) plots. [character]'s plan works; [person] shines."),
        ("Heat (1995)", "Lieutenant Vincent Hanna (Al Pacino) waits. Vincent sleeps.",
         "[character] ([person]) waits. [character] sleeps."),
        ("Heat (1995)", "A day in Los Angeles. The city.", "A day in Los Angeles. The city."),
    ],
)  # fmt: skip
def test_names_become_tokens_and_places_stay(title, text, expected):
    assert masked(title, Plot=text) == {"Plot": expected}


def test_fields_that_list_people_are_left_out_and_their_people_masked_elsewhere():
    found = masked("Heat", Cast="Al Pacino, Val Kilmer", Genres="Crime", Plot="Pacino runs.")
    assert found == {"Genres": "Crime", "Plot": "[person] runs."}


def test_a_document_without_fields_stays_empty():
    frame = documents("Heat").with_columns(fields=pl.lit(None, DOCUMENTS["fields"]))
    assert mask(frame, PEOPLE)["fields"].to_list() == [[]]


def test_the_masked_version_never_shows_the_title_and_asks_for_the_opening():
    version = load_version("genome132-v1+names-masked")
    frame = documents("Heat (1995)", Director="Michael Mann", Plot="Heat, by Michael Mann.")
    [text] = shown(frame, version)
    assert text == "Plot: [title], by [person]."
    [request, *_] = build(frame, keyed(frame, version, "m"), version, "m")
    assert request.identity == opening(text) == "[title], by [person]."
    assert "Heat" not in request.document


@pytest.mark.parametrize("n", [1000, 300, 100])
def test_thinner_versions_keep_the_title_and_cut_the_rest(n):
    [text] = shown(
        documents("Heat (1995)", Genres="Crime", Plot="word " * 400),
        load_version(f"genome132-v1+first-{n}"),
    )
    title, _, rest = text.partition("\n")
    assert title == "Title: Heat (1995)"
    assert rest.startswith("Genres: Crime\nPlot: word")
    assert n - 6 < len(rest) <= n
