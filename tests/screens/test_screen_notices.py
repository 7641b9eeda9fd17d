"""What a patron reads: every notice, in every language, on every size of screen."""

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kioskd.domain.notice import Notice, Shown
from kioskd.words.notices import Place, said
from tests.screens.notices import LANGUAGES, NOW, PLACE, SHOWN, SIZES
from tests.screens.reading import told
from ui.panel.drawing import LEAST, Band, Row, draw
from ui.panel.view import PERSONAL, Mood, View

TURNS = range(len(LANGUAGES))


def view(shown: Shown, turn: int = 0, place: Place = PLACE) -> View:
    return View(shown, place, LANGUAGES, NOW, turn)


def part(rows: tuple[Row, ...], band: Band) -> list[str]:
    return [row.text for row in rows if row.band is band]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("shown", SHOWN, ids=lambda s: s.notice.value)
def test_every_notice_can_be_read_in_whole_in_each_language(
    shown: Shown, size: tuple[int, int]
) -> None:
    for turn, language in enumerate(LANGUAGES):
        rows = draw(view(shown, turn), *size)
        words = said(shown, language, PLACE, NOW).text.replace("\u00a0", " ")
        assert words in told(rows)
        assert [len(row.text) for row in rows] == [size[0]] * size[1]


@pytest.mark.parametrize("shown", SHOWN, ids=lambda s: s.notice.value)
def test_on_the_usual_screen_every_language_is_there_at_once(shown: Shown) -> None:
    below = " ".join(" ".join(part(draw(view(shown), 93, 28), Band.FOOT)).split())
    for language in LANGUAGES:
        assert said(shown, language, PLACE, NOW).text.replace("\u00a0", " ") in below


@pytest.mark.parametrize("size", [(93, 28), (72, 22)], ids=str)
@pytest.mark.parametrize("shown", SHOWN, ids=lambda s: s.notice.value)
def test_something_of_every_notice_is_large(shown: Shown, size: tuple[int, int]) -> None:
    spoken = said(shown, "fi", PLACE, NOW)
    middle = tuple(row for row in draw(view(shown), *size) if row.band is Band.MIDDLE)
    assert any(
        words.replace("\u00a0", " ") in told(middle) for words in (spoken.text, spoken.title)
    )
    assert not any(c.isalpha() for row in middle for c in row.text)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("shown", SHOWN, ids=lambda s: s.notice.value)
def test_another_language_moves_nothing(shown: Shown, size: tuple[int, int]) -> None:
    pages = [draw(view(shown, turn), *size) for turn in TURNS]
    assert len({tuple(row.band for row in page) for page in pages}) == 1
    pictures = {tuple(row.text[: _picture_end(size[0])] for row in page[3:-8]) for page in pages}
    assert len(pictures) == 1
    if size == (93, 28):
        assert len({tuple(part(page, Band.FOOT)) for page in pages}) == 1


def _picture_end(columns: int) -> int:
    return 20 if columns > 64 else 10 if columns < 60 else 14


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_who_stands_behind_reads_no_reason_from_afar(size: tuple[int, int]) -> None:
    """What concerns one person alone is told in small print; the large part is one for all."""
    rows = {
        notice: [row for row in draw(view(Shown(notice)), *size) if row.band is Band.MIDDLE]
        for notice in PERSONAL
    }
    large = {told(tuple(found)) for found in rows.values()}
    assert large == {"Ei pääsyä"}
    assert {view(Shown(notice)).mood for notice in PERSONAL} == {Mood.DENIED}


def test_dots_count_the_digits_and_keep_their_place() -> None:
    pages = [draw(view(Shown(Notice.ENTER_PIN, digits=n)), 93, 28) for n in range(14)]
    dots = [" ".join(part(page, Band.MIDDLE)).count("▗██▖") for page in pages]
    assert dots == [*range(13), 13]
    assert len({told(page) for page in pages}) == 1
    assert not any(str(n) in told(pages[n]).replace("14.05", "") for n in range(3, 10))


def test_the_time_and_the_name_stand_above_in_the_language_of_the_turn() -> None:
    heads = [
        " ".join(part(draw(view(Shown(Notice.IDLE), turn), 93, 28), Band.HEAD)) for turn in TURNS
    ]
    assert [" ".join(head.split()) for head in heads] == [
        "Esimerkkilän kirjasto klo 14.05",
        "Exempelby bibliotek kl. 14.05",
        "Example Library 14:05",
    ]


def test_a_long_name_is_shortened_and_the_time_is_not() -> None:
    place = replace(PLACE, name={"fi": "Kirjasto " * 30})
    for columns, rows in SIZES[1:]:
        head = part(draw(view(Shown(Notice.IDLE), place=place), columns, rows), Band.HEAD)
        assert any("… klo 14.05 " in line for line in head)


def test_a_fault_shows_its_code_the_time_and_the_phone() -> None:
    for columns, rows in SIZES:
        words = told(draw(view(Shown(Notice.FAULT, code="41")), columns, rows))
        assert "41" in words
        assert "klo 14.05" in words
        assert "+358 44 123 4567" in words


@pytest.mark.parametrize("size", [(39, 12), (40, 11), (10, 2), (1, 1), (0, 0)], ids=str)
def test_a_screen_that_is_too_small_says_so(size: tuple[int, int]) -> None:
    rows = draw(view(Shown(Notice.IDLE)), *size)
    assert [len(row.text) for row in rows] == [size[0]] * size[1]
    if size[0] >= 30:
        assert f"too small: {LEAST[0]} x {LEAST[1]}" in told(rows)


def test_moods_differ_where_a_patron_must_do_something_else() -> None:
    moods = {notice: view(Shown(notice)).mood for notice in Notice}
    assert [n for n, mood in moods.items() if mood is Mood.GRANTED] == [Notice.GRANTED]
    assert moods[Notice.WRONG_CARD_OR_PIN] is moods[Notice.DENIED] is Mood.DENIED
    assert moods[Notice.FAULT] is Mood.FAULT
    assert moods[Notice.CLOSED] is moods[Notice.LOCKDOWN] is Mood.CLOSED
    assert moods[Notice.ENTER_PIN] is Mood.ASKING
    assert moods[Notice.IDLE] is Mood.CALM


shown_at_all = st.builds(
    Shown,
    st.sampled_from(Notice),
    code=st.text(max_size=80),
    until=st.none() | st.dates(),
    minutes=st.integers(0, 9_999),
    opens=st.none() | st.datetimes(timezones=st.just(UTC)),
    digits=st.integers(0, 9_999),
)
places = st.builds(
    Place,
    st.just(PLACE.zone),
    st.text(max_size=80),
    st.integers(0, 150),
    st.dictionaries(st.sampled_from(LANGUAGES), st.text(max_size=80)),
)


@given(shown_at_all, places, st.integers(0, 200), st.integers(0, 70), st.integers(0, 5))
def test_whatever_is_shown_fills_the_screen_exactly_with_printable_cells(
    shown: Shown, place: Place, columns: int, rows: int, turn: int
) -> None:
    drawn = draw(view(shown, turn, place), columns, rows)
    assert [len(row.text) for row in drawn] == [columns] * rows
    assert all(row.text.isprintable() for row in drawn)
