"""The starter taxonomies, and when films' dimensions are not for a catalogue."""

import polars as pl
import pytest

from recfeat_pipeline.commands.domain import misfit, refuse_misfit
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.schemas import FIELDS, ITEMS
from recfeat_pipeline.taxonomy import load_taxonomy
from recfeat_pipeline.taxonomy.domain import STARTERS, domain_of, starter_of

FILM_WORDS = ("film", "movie", "plot", "director", "co-watch")


@pytest.mark.parametrize(("item", "name"), STARTERS.items())
def test_a_starter_is_whole(item, name):
    taxonomy = load_taxonomy(name.replace("-", "_"))
    assert taxonomy.item == item
    assert 30 <= len(taxonomy.dimensions) <= 65
    assert all(5 <= len(group.dimensions) <= 30 and group.gloss for group in taxonomy.groups)
    assert [group.factual_only for group in taxonomy.groups].count(True) == 1
    glosses = [dimension.gloss for dimension in taxonomy.dimensions]
    assert len(set(glosses)) == len(glosses)
    assert all(2 <= len(gloss.split()) <= 16 for gloss in glosses)
    assert all(dimension.genome_tags for dimension in taxonomy.dimensions)


@pytest.mark.parametrize(("item", "name"), STARTERS.items())
def test_a_starter_is_asked_in_words_of_its_item(item, name):
    version = load_version(name)
    assert version.groups == tuple(group.name for group in version.taxonomy.groups)
    prompts = "\n".join(question.system for question in version.questions)
    assert f"You score one {item}" in prompts
    instructions = prompts
    for dimension in version.taxonomy.dimensions:
        instructions = instructions.replace(f"- {dimension.name}: {dimension.gloss}", "")
    assert not [word for word in FILM_WORDS if word in instructions.lower()]


def catalogue(titles, texts=(), label="Description", **ids):
    items = pl.DataFrame({"item_id": range(len(titles)), "title": titles, **ids})
    items = items.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in ITEMS.items() if name not in items
    )
    rows = [(i, "catalog", label, 1, text) for i, text in enumerate(texts)]
    return items, pl.DataFrame(rows, schema=FIELDS, orient="row")


FILMS = catalogue(["Alien (1979)", "Heat (1995)", "Untitled"])
GIFTS = catalogue(["Petco Gift Card", "Diner Gift Card"], ["Gift card, 25 USD", "A gift card"])
UNKNOWN = catalogue(["abc", "def"], ["ghi", "jkl"])


@pytest.mark.parametrize(
    ("made", "domain"),
    [
        (FILMS, "film"),
        (catalogue(["Alien", "Heat"], imdb_id=["tt0078748", None]), "film"),
        (catalogue(["Alien"], ["A film directed by Ridley Scott."]), "film"),
        (catalogue(["Dune"], ["A novel by an author of science fiction."]), "book"),
        (catalogue(["Portal"], ["A game of puzzles for a single player."]), "game"),
        (catalogue(["Soup"], ["Preheat the oven; two tablespoons of butter."]), "recipe"),
        (GIFTS, "product"),
        (UNKNOWN, None),
        (catalogue([]), None),
    ],
)
def test_ids_titles_and_words_tell_the_domain(made, domain):
    assert domain_of(*made) == domain


def test_films_dimensions_are_not_bought_for_gift_cards():
    films = load_version("genome132-v1")
    with pytest.raises(RecfeatError) as error:
        refuse_misfit(films, *GIFTS, asked=False, paid=True)
    for said in ("Nothing was sent", "scores films", "holds products", "products-starter",
                 "taxonomy derive", "taxonomy draft", "--prompt-version genome132-v1"):  # fmt: skip
        assert said in str(error.value)
    assert refuse_misfit(films, *GIFTS, asked=True, paid=True)  # warned, and done
    assert refuse_misfit(films, *GIFTS, asked=False, paid=False)
    assert "taxonomy list" in misfit(films, *UNKNOWN)


def test_what_was_chosen_or_fits_goes_through():
    assert refuse_misfit(load_version("genome132-v1"), *FILMS, asked=False, paid=True) is None
    assert refuse_misfit(load_version("products-starter"), *GIFTS, asked=False, paid=True) is None
    assert refuse_misfit(load_version("products-starter"), *FILMS, asked=False, paid=True) is None
    assert starter_of(None) is None
