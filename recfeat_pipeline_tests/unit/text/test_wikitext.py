import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recfeat_pipeline.text.wikitext.articles import read_film, read_identity
from recfeat_pipeline.text.wikitext.revenue import without_revenue

INFOBOX = """{{Infobox film
| name = The Big Night
| director = [[Jane Roe]]<br />[[John Q. Public|John Public]]<ref>Smith, A. and B.</ref>
| released = {{Film date|1951|11|7|[[Venice]]|1952|1|3}}<ref>{{cite web|date=2 May 2014}}</ref>
| gross = $2 million
}}
"""


def sections(wikitext: str) -> dict[str, str]:
    return read_film(wikitext).sections


@pytest.mark.parametrize(
    "heading",
    [
        "Plot",
        "PLOT",
        "Plot summary",
        "Synopsis",
        "Premise",
        "Story",
        "Storyline",
        "Plot synopsis",
        "''Plot''",
        "Plot{{anchor|Story}}",
        "Plot<!-- 400 to 700 words -->",
    ],
)
def test_plot_is_found_under_its_headings(heading):
    assert sections(f"Lead.\n\n== {heading} ==\nA man walks.\n\n== Cast ==\n* X")["plot"] == (
        "A man walks."
    )


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Reception", "reception"),
        ("Critical response", "reception"),
        ("Critical reception and legacy", "reception"),
        ("Release and reception", "reception"),
        ("Box office and reception", "reception"),
        ("Reviews", "reception"),
        ("Reaction and legacy", "reception"),
        ("Accolades", "awards"),
        ("Awards and nominations", "awards"),
        ("Honors", "awards"),
        ("Honours and awards", "awards"),
        ("Box office", None),
        ("Commercial performance", None),
        ("Home media", None),
        ("Production", None),
        ("Cast", None),
    ],
)
def test_headings_name_kinds(heading, kind):
    found = sections(f"Lead.\n== {heading} ==\nSomething was said.\n")
    found.pop("intro")
    assert found == ({kind: "Something was said."} if kind else {})


def test_nested_sections_belong_to_the_nearest_kind():
    found = sections(
        "== Plot ==\nOne.\n=== Epilogue ===\nTwo.\n==== Coda ====\nThree.\n"
        "== Reception ==\nGood.\n=== Critical response ===\nBetter.\n"
        "=== Box office ===\nIt did well in its first week.\n=== Accolades ===\nA prize.\n"
        "== Legacy ==\nLasting.\n=== Critical reappraisal ===\nBest.\n"
    )
    assert found == {
        "plot": "One. Two. Three.",
        "reception": "Good. Better. Best.",
        "awards": "A prize.",
    }


def test_markup_becomes_text():
    plot = sections(
        "== Plot ==\n{{Further|Other}}\n'''Bold''' and ''italic'' [[Link|shown]] [[plain]]"
        "&mdash;[[File:X.jpg|thumb|A [[caption]]]]{{efn|A note.}}<ref name=a>{{cite|x}}</ref> "
        "{{lang|fr|mot}} {{nowrap|stays together}} {{convert|5|mi|km}}{{nbsp}}on.<br>Next.\n"
        "{{blockquote|Quoted words.}}<gallery>File:Y.jpg</gallery><script>alert(1)</script>"
    )["plot"]
    assert plot == ("Bold and italic shown plain— mot stays together 5 mi on. Next. Quoted words.")


@pytest.mark.parametrize(
    "template", ["15|4.1|158|Too long.", "score=15|count=158|average=4.1|consensus=Too long."]
)
def test_aggregate_templates_speak(template):
    assert sections(f"== Reception ==\n{{{{Rotten Tomatoes prose|{template}}}}}")["reception"] == (
        "On Rotten Tomatoes, 15% of 158 critics' reviews are positive, with an average rating of "
        "4.1/10. Too long."
    )


def test_award_tables_repeat_cells_that_span_rows():
    awards = sections(
        '== Accolades ==\n{| class="wikitable"\n! Award !! Category !! Result\n|-\n'
        '| rowspan="2" | [[Academy Awards]] || Best Score || {{won}}\n|-\n'
        "| Best Sound || {{nom}}\n|-\n| BAFTA || colspan=2 | {{won|place=1st}}\n|}\n"
    )["awards"]
    assert awards == (
        "Academy Awards, Best Score, Won; Academy Awards, Best Sound, Nominated; BAFTA, Won"
    )


def test_list_items_are_kept_apart():
    listed = "== Awards ==\nMany:\n* 1997, won Best Film\n* 1998, nominated.\n* 1999, won again\n"
    assert sections(listed)["awards"] == (
        "Many: 1997, won Best Film; 1998, nominated. 1999, won again"
    )


def test_identity_comes_from_the_infobox_without_its_references():
    film = read_identity(INFOBOX + "A film.\n== Plot ==\nIn 1999.")
    assert film.kind == "film"
    assert film.years == [1951, 1952]
    assert film.directors == ["Jane Roe", "John Public"]


@pytest.mark.parametrize(
    "listed",
    [
        "{{Plainlist|\n* [[A One]]\n* [[B Two]]\n}}",
        "{{ubl|[[A One]]|[[B Two]]}}",
        "[[A One]]<br>[[B Two]]",
        "A One, B Two",
        "A One & B Two",
        "A One<br/>{{nowrap|B Two}}",
        "[[The Ones|A One<br>B Two]]",
        "''A One''\n* [[B Two]] {{small|(uncredited)}}",
    ],
)
def test_directors_in_every_kind_of_list(listed):
    assert read_identity(f"{{{{Infobox film|director={listed}}}}}").directors == ["A One", "B Two"]


def test_disambiguation_pages_are_known():
    assert read_identity("'''Heat''' may be:\n* A film\n{{disambiguation}}").is_disambiguation


def test_a_page_without_sections_gives_its_lead():
    assert sections(INFOBOX + "'''The Big Night''' is a film.") == {
        "intro": "The Big Night is a film."
    }


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("It was praised. It grossed $3 million. It endured.", "It was praised. It endured."),
        ("The film earned $394.4 million on a budget of $30 million.", ""),
        ("It earned praise from critics.", "It earned praise from critics."),
        ("It was number one at the box office. Critics agreed.", "Critics agreed."),
        ("Made for $2 million, it made 40 crore.", ""),
        ("She made a fortune.\nHe said no.", "She made a fortune.\nHe said no."),
        ("It was made for $30 million. It flowed.", "It was made for $30 million. It flowed."),
        ("The gross-out humour pleased few.", "The gross-out humour pleased few."),
        ("They collected $50 from a door.", "They collected $50 from a door."),
        ("It was seen with 2 million admissions.", ""),
        (
            'He called it "a feast." (Others "a famine.") It earned $2 million.',
            'He called it "a feast." (Others "a famine.")',
        ),
    ],
)
def test_revenue_sentences_go(text, kept):
    assert without_revenue(text) == kept


def test_a_plot_keeps_the_money_in_it():
    plot = 'He makes $2 million overnight. She asks, "Whose?" (Nobody knows.) They flee.'
    assert sections(f"== Plot ==\n{plot}")["plot"] == plot


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("She renames her {{nihongo|Sen|千}}.", "She renames her Sen."),
        ("It cost {{US$|30 million}} to make.", "It cost US$30 million to make."),
        ("The song {{langx|fr|La Nuit|lit=The Night}} recurs.", "The song La Nuit recurs."),
        ("One critic gave it {{rating|3|4}}.", "One critic gave it 3/4 stars."),
        ("He is {{never heard of|a sailor|x}} by trade.", "He is a sailor by trade."),
        ("Here is {{tooltip|shown|hidden}}.", "Here is shown."),
        ("It stars {{sortname|Jane|Roe}}.", "It stars Jane Roe."),
        ("On Rotten Tomatoes it has {{RT data|score}}. It lasts.", "It lasts."),
        ("It is {{Age|1990}} years old. It lasts.", "It lasts."),
        ("It was in 1969 ({{age|1969|7|20}} years ago). It lasts.", "It was in 1969. It lasts."),
        ("{{Multiple issues|{{tone}}}}\nIt lasts.{{citation needed|date=May}}", "It lasts."),
        ("{{Some banner|with words}}\nIt lasts.", "It lasts."),
    ],
)
def test_a_template_does_not_take_its_words_along(wikitext, text):
    assert sections(f"== Reception ==\n{wikitext}")["reception"] == text


def test_an_unclosed_reference_takes_nothing_along():
    wikitext = "{{Infobox film|director=A One<ref>unclosed\n|released=1951<ref>b</ref>\n}}\nIt is."
    film = read_identity(wikitext)
    assert (film.kind, film.years) == ("film", [1951])
    assert film.directors[0].startswith("A One")


@pytest.mark.parametrize(
    ("wikitext", "kind", "directors"),
    [
        ("{{Infobox film|directors=A One}}", "film", ["A One"]),
        ("{{Infobox television|creator=A One}}", "series", ["A One"]),
        ("{{Infobox film series|director=A One}}", "franchise", ["A One"]),
        ("{{Infobox person|director=A One}}", None, []),
    ],
)
def test_an_infobox_says_what_its_page_is_about(wikitext, kind, directors):
    film = read_identity(wikitext)
    assert (film.kind, film.directors) == (kind, directors)


def test_a_page_names_its_work_in_bold_and_in_its_infobox():
    box = "{{Infobox film|name=The Night|native_name={{nobold|La Nuit}}}}\n"
    text = f"{box}'''''The Night''''' ('''Noc''') is a film."
    assert read_identity(text).titles == ["The Night", "La Nuit", "Noc"]


@pytest.mark.parametrize(
    "broken",
    [
        "== Plot ==\n{{Infobox film | director = [[X",
        "== Plot ==\n{| class=wikitable\n| a || b",
        "== Plot ==\n<ref>never closed. A man walks.",
        "== Plot\nno heading",
        "=" * 5000,
        "{{" * 2000,
        "[[" * 2000,
        "== Plot ==\n" + "<b>" * 500 + "deep",
        "<!--" * 200_000,
        "== Plot ==\n" + "they made " * 100_000,
        "{{Infobox film|released=" + "<ref>1999 " * 20_000,
        "== Plot ==\n" + "{{a|" * 50_000,
        "== Plot ==\n" + "[http://x y " * 50_000,
        "== Plot ==\n" + "<ref>" * 50_000,
        "'''a" * 50_000,
        "",
    ],
    ids=lambda text: text[:24],
)
def test_broken_wikitext_is_read_without_an_error(broken):
    assert isinstance(read_film(broken).sections, dict)


PIECES = ["{{", "}}", "[[", "]]", "|", "== Plot ==\n", "<ref>", "</ref>", "{|", "|}", "|-\n", "''",
          "<br>", "text ", "\n", "=", "rowspan=2 |"]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_wikitext_is_read(wikitext):
    for text in read_film(wikitext).sections.values():
        assert text == text.strip()
        assert "<ref>" not in text
