"""Large letters: all that words need are drawn, and lines keep their width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.words.texts import book, languages
from ui.panel import letters
from ui.panel.blocks import cells
from ui.panel.plain import clean, row, shortened, wrap

DRAWN = "abcdefghijklmnopqrstuvwxyzåäöABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖéüšžõ0123456789.,:;-–'()/+&!? "


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_every_character_of_our_words_is_drawn(language: str) -> None:
    assert language in languages()
    characters = set("".join(book(language).words.values())) - set("{}_\u00a0")
    assert {c for c in characters if letters.width(c) is None} == set()


def test_letters_differ_from_each_other() -> None:
    drawn = {letters.large(character) for character in DRAWN}
    assert len(drawn) == len(set(DRAWN))


def test_a_mark_stands_above_its_letter_and_leaves_it_as_it_is() -> None:
    with_mark, without = letters.large("ö"), letters.large("o")
    assert with_mark[2:] == without[2:]
    assert with_mark[:2] != without[:2]
    assert len(letters.large("Ä")) == len(letters.large("A")) == letters.ROWS


@pytest.mark.parametrize("text", ["Читальня", "日本", "\x1b[31m", "o\u0302\u0302\u0302", "\u0301"])
def test_what_is_not_drawn_is_not_set(text: str) -> None:
    assert letters.wrap(text, 90) is None
    assert letters.width(text) is None
    with pytest.raises(ValueError, match="can be drawn"):
        letters.large(text)


def test_a_phone_number_is_not_broken() -> None:
    assert letters.wrap("Soita +358\u00a044\u00a0123\u00a04567", 60) == (
        "Soita",
        "+358\u00a044\u00a0123\u00a04567",
    )
    assert wrap("Soita +358\u00a044\u00a0123", 12) == ("Soita", "+358\u00a044\u00a0123")


@given(st.text(DRAWN, max_size=60), st.integers(1, 100))
def test_lines_keep_every_word_and_fit(text: str, columns: int) -> None:
    lines = letters.wrap(text, columns)
    if lines is None:
        assert any((letters.width(word) or 0) > columns for word in text.split(" "))
        return
    assert " ".join(lines).split(" ") == [word for word in text.split(" ") if word] or not lines
    for line in lines:
        drawn = letters.large(line)
        assert {len(row) for row in drawn} == {letters.width(line)}
        assert len(drawn[0]) <= columns


@given(st.text(max_size=80), st.integers(1, 100))
def test_plain_rows_are_exactly_as_wide_as_they_should_be(text: str, columns: int) -> None:
    assert len(row(clean(text), columns)) == columns
    assert row(clean(text), columns).isprintable()
    assert all(len(line) <= columns for line in wrap(clean(text), columns))
    assert len(shortened(clean(text), columns)) <= columns


def test_four_pixels_make_a_cell() -> None:
    assert cells(["##.#", "#..."]) == ("▛▝",)
    assert cells(["#", "#", "#"]) == ("▌", "▘")
    assert cells([]) == ()
