"""Every language's file is whole, has the same values in its words, and is plain to read."""

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from string import Formatter
from textwrap import wrap

import pytest

from kioskd.config.leaves import LANGUAGES
from kioskd.domain.notice import Notice
from kioskd.words import WordsError, language_name, languages, say
from kioskd.words.forms import PLURALS, date_form, day_form, minutes_form
from kioskd.words.notices import LONGEST_PHONE, NO_BREAK
from kioskd.words.texts import Forms, book

EVERY = languages()
LONGEST_SENTENCE = 12  # words
COLUMNS, ROWS = 20, 4
LONGEST_TITLE = 20  # characters
# As long as values become: the phone as long as one that is held together.
PHONE = NO_BREAK.join(("+358", "400", "1234", "567", "8"))[:LONGEST_PHONE]
VALUES = {"n": 1440, "age": 18, "tel": PHONE, "code": "61", "time": "20.00", "phone": PHONE}
DAYS = [date(2026, 9, 1) + timedelta(days=n) for n in range(366)]


def test_there_are_words_in_every_language_that_a_configuration_may_name() -> None:
    assert set(EVERY) == set(LANGUAGES)


@pytest.mark.parametrize("language", EVERY)
def test_every_file_has_every_id(language: str) -> None:
    assert set(book(language).words) == set(book("fi").words)
    assert all(text for which, text in book(language).words.items() if which != "idle.title")


@pytest.mark.parametrize("language", EVERY)
def test_every_file_has_the_same_values_in_its_words(language: str) -> None:
    for which, words in book("fi").words.items():
        assert _values(book(language).words[which]) == _values(words), which


@pytest.mark.parametrize("language", EVERY)
def test_every_notice_has_words(language: str) -> None:
    for notice in Notice:
        for part in ("title", "text", "short"):
            assert f"{notice.value}.{part}" in book(language).words


@pytest.mark.parametrize("language", EVERY)
def test_sentences_are_short(language: str) -> None:
    for which, words in book(language).words.items():
        for sentence in re.split(r"(?<=[.?!])\s(?=[A-ZÅÄÖ])", next(_filled(words, language))):
            assert len(sentence.replace(NO_BREAK, "").split()) <= LONGEST_SENTENCE, (
                which,
                sentence,
            )


@pytest.mark.parametrize("language", EVERY)
def test_what_goes_on_a_small_display_fits_whatever_its_values(language: str) -> None:
    for which, words in book(language).words.items():
        if which.endswith(".short"):
            for filled in _filled(words, language):
                rows = wrap(filled, COLUMNS, break_on_hyphens=False, break_long_words=False)
                assert len(rows) <= ROWS, (which, rows)
                assert max(map(len, rows)) <= COLUMNS, (which, rows)


@pytest.mark.parametrize("language", EVERY)
def test_titles_are_a_word_or_two(language: str) -> None:
    titles = [t for which, t in book(language).words.items() if which.endswith(".title")]
    assert max(map(len, titles)) <= LONGEST_TITLE
    assert not any(_values(title) for title in titles)


@pytest.mark.parametrize("language", EVERY)
def test_the_forms_of_a_language_are_whole(language: str) -> None:
    words = book(language)
    forms = words.forms
    assert all(getattr(forms, f.name) for f in fields(Forms) if f.name != "months")
    assert len(set(forms.weekdays)) == 7
    assert len(set(forms.months)) == (12 if "{month_name}" in forms.date else 0)
    assert words.name == language_name(language) != language
    assert len(forms.minutes) == 1 + max(PLURALS[words.plural](n) for n in range(200))


@pytest.mark.parametrize("language", EVERY)
def test_no_words_name_anybody(language: str) -> None:
    allowed = {"n", "minutes", "age", "tel", "code", "date", "day", "time", "phone"}
    assert {v for words in book(language).words.values() for v in _values(words)} <= allowed


@pytest.mark.parametrize(
    ("rule", "firsts"),
    [
        ("one-other", {0: 1, 1: 0, 2: 1, 21: 1}),
        ("one-two-other", {1: 0, 2: 1, 3: 2, 22: 2}),
        ("one-few-many", {1: 0, 2: 1, 5: 2, 11: 2, 12: 2, 21: 0, 22: 1, 111: 2, 112: 2}),
    ],
)
def test_a_number_takes_the_form_that_its_language_has_for_it(
    rule: str, firsts: dict[int, int]
) -> None:
    assert {n: PLURALS[rule](n) for n in firsts} == firsts


def test_minutes_are_counted_as_people_count() -> None:
    assert [minutes_form(n, "sv") for n in (1, 2)] == ["minut", "minuter"]
    assert [minutes_form(n, "en") for n in (1, 60)] == ["minute", "minutes"]
    assert [minutes_form(n, "fi") for n in (1, 5)] == ["minuutin", "minuutin"]


# What cannot be said


def test_an_unknown_id_says_where_to_add_it() -> None:
    with pytest.raises(WordsError, match=r"no words for 'welcome.text' in fi.toml; add them there"):
        say("welcome.text", "fi")


def test_an_unknown_language_says_which_there_are() -> None:
    with pytest.raises(WordsError, match="no words in 'xx'; there are en, fi, sv"):
        say("wait.text", "xx")


def test_a_missing_value_is_named() -> None:
    with pytest.raises(WordsError, match=r"'under-age.text' in sv.toml: no value for 'age'"):
        say("under-age.text", "sv")


def test_another_language_is_one_more_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finnish = Path(book.__wrapped__.__code__.co_filename).with_name("fi.toml")
    text = finnish.read_text(encoding="utf-8").replace('name = "suomi"', 'name = "eesti"')
    (tmp_path / "et.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr("kioskd.words.texts.resources.files", lambda package: tmp_path)
    try:
        languages.cache_clear()
        assert languages() == ("et",)
        assert say("wait.text", "et") == "Odota hetki."
        assert language_name("et") == "eesti"
        assert language_name("smn") == "smn"
    finally:
        languages.cache_clear()
        book.cache_clear()


def test_a_file_that_lacks_its_forms_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "et.toml").write_text('[language]\nname = "eesti"\n', encoding="utf-8")
    monkeypatch.setattr("kioskd.words.texts.resources.files", lambda package: tmp_path)
    try:
        languages.cache_clear()
        with pytest.raises(WordsError, match=r"et.toml is not complete: 'forms'"):
            say("wait.text", "et")
    finally:
        languages.cache_clear()


def _values(words: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(words) if name}


def _filled(words: str, language: str) -> Iterator[str]:
    """The words with long values, and with every form of a day that they have a place for."""
    days = DAYS if _values(words) & {"date", "day"} else DAYS[:1]
    minutes = minutes_form(1440, language)
    for day in days:
        for today in (None, DAYS[0]):
            said = day_form(day, today, language)
            dated = date_form(day, language)
            yield words.format_map({**VALUES, "minutes": minutes, "day": said, "date": dated})
