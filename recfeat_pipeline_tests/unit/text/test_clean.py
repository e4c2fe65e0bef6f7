import pytest

from recfeat_pipeline.text.clean import fold, plain, plain_title, year_in_title


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Toy Story (1995)", "Toy Story"),
        ("Big Sleep, The (1946)", "The Big Sleep"),
        ("Postino, Il (Postman, The) (1994)", "Il Postino"),
        ("Atalante, L' (1934)", "L'Atalante"),
        ("Good, the Bad and the Ugly, The (1966)", "The Good, the Bad and the Ugly"),
        ("1984", "1984"),
        ("Me, Myself & Irene (2000)", "Me, Myself & Irene"),
    ],
)
def test_catalogue_titles_become_page_titles(title, expected):
    assert plain_title(title) == expected


def test_year_in_title():
    assert year_in_title("Heat (1995)") == 1995
    assert year_in_title("2001: A Space Odyssey") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>One &amp; <b>two</b></p>", "One & two"),
        ("one<br/>two<i>three</i>", "one twothree"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "alert(1)"),
        ("a<!-- hidden -->b<!-- open", "ab<!-- open"),
        ("a\x00b\x1bc\ud800d", "abcd"),
        ("5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
        ("one\r\n\r\n\r\n\r\ntwo  three", "one\n\ntwo three"),
        (None, ""),
        (["list"], ""),
    ],
)
def test_plain(text, expected):
    assert plain(text) == expected


def test_fold_compares_names_across_accents_and_case():
    assert fold("Krzysztof Kieślowski") == fold("KRZYSZTOF KIEŚLOWSKI") == "krzysztof kieslowski"
    assert fold("Se7en!") == "se7en"
