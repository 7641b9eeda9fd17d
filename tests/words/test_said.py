"""What people are told at a door, in every language, and that nothing is left unsaid."""

from calendar import month_name
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from textwrap import wrap
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kioskd.domain.face import Light, Pictogram, Tone
from kioskd.domain.notice import Notice, Shown
from kioskd.words import Place, face, languages, said, time_text
from kioskd.words.forms import date_form, day_form
from tests.words.every_notice import NOW, PLACE, every_shown

LAST_DAY = date(2026, 12, 7)
NBSP = "\u00a0"
# As the project's list of wording has them, with values in their places.
WORDING: Mapping[Shown, tuple[str, str, str]] = {
    Shown(Notice.IDLE): (
        "Lue kirjastokortti",
        "Läs in bibliotekskortet",
        "Scan your library card",
    ),
    Shown(Notice.ENTER_PIN): ("Syötä tunnusluku", "Ange PIN-kod", "Enter your PIN"),
    Shown(Notice.WAIT): ("Odota hetki.", "Vänta ett ögonblick.", "Please wait."),
    Shown(Notice.GRANTED): (
        "Pääsy sallittu. Varmista, ettei kukaan tule samalla ovenavauksella.",
        "Välkommen in. Se till att ingen följer med in.",
        "Access granted. Make sure that nobody enters with you.",
    ),
    Shown(Notice.DENIED): (
        "Pääsy evätty. Kysy lisää kirjastosta.",
        "Tillträde nekat. Kontakta biblioteket.",
        "Access denied. Please ask the library.",
    ),
    Shown(Notice.WRONG_CARD_OR_PIN): (
        "Kortti tai tunnusluku on väärä.",
        "Fel kort eller PIN-kod.",
        "Wrong card or PIN.",
    ),
    Shown(Notice.NOT_KNOWN_OFFLINE): (
        "Yhteys puuttuu, emmekä voi nyt tarkistaa korttiasi. Yritä myöhemmin uudelleen.",
        "Förbindelsen är bruten och kortet kan inte kontrolleras nu. Försök igen senare.",
        "There is no connection and your card cannot be checked now. Please try later.",
    ),
    Shown(Notice.CLOSED): (
        "Kirjasto on suljettu.",
        "Biblioteket är stängt.",
        "The library is closed.",
    ),
    Shown(Notice.CLOSED, opens=datetime(2026, 11, 30, 5, 0, tzinfo=UTC)): (
        "Kirjasto on suljettu. Avoinna seuraavan kerran 30.11.2026 klo 7.00.",
        "Biblioteket är stängt. Öppet nästa gång 30.11.2026 kl. 7.00.",
        "The library is closed. Next open on 30 November 2026, 07:00.",
    ),
    Shown(Notice.CLOSED, opens=datetime(2026, 11, 27, 5, 0, tzinfo=UTC)): (
        "Kirjasto on suljettu. Avoinna seuraavan kerran perjantaina klo 7.00.",
        "Biblioteket är stängt. Öppet nästa gång på fredag kl. 7.00.",
        "The library is closed. Next open on Friday, 07:00.",
    ),
    Shown(Notice.LOCKDOWN): (
        "Kirjasto on toistaiseksi suljettu.",
        "Biblioteket är stängt tills vidare.",
        "The library is closed until further notice.",
    ),
    Shown(Notice.SELF_SERVICE_BLOCK, until=LAST_DAY): (
        "Omatoimikirjaston käyttösi on estetty 7.12.2026 asti. Lisätietoja kirjastosta.",
        "Din rätt till meröppet bibliotek är spärrad till och med 7.12.2026. Fråga biblioteket.",
        "Your self-service access is blocked until 7 December 2026. Ask the library.",
    ),
    Shown(Notice.SELF_SERVICE_BLOCK): (
        "Omatoimikirjaston käyttösi on estetty. Lisätietoja kirjastosta.",
        "Din rätt till meröppet bibliotek är spärrad. Fråga biblioteket.",
        "Your self-service access is blocked. Ask the library.",
    ),
    Shown(Notice.USE_BAN): (
        "Sinulla on kirjaston käyttökielto. Lisätietoja kirjastosta.",
        "Du har användningsförbud på biblioteket. Fråga biblioteket.",
        "You may not use this library. Ask the library.",
    ),
    Shown(Notice.USE_BAN, until=LAST_DAY): (
        "Sinulla on kirjaston käyttökielto 7.12.2026 asti.",
        "Du har användningsförbud på biblioteket till och med 7.12.2026.",
        "You may not use this library until 7 December 2026.",
    ),
    Shown(Notice.CARD_LOST): (
        "Kortti on ilmoitettu kadonneeksi. Ota yhteyttä kirjastoon.",
        "Kortet är anmält som förlorat. Kontakta biblioteket.",
        "This card has been reported lost. Contact the library.",
    ),
    Shown(Notice.UNDER_AGE): (
        "Et ole vielä täyttänyt 15 vuotta. Huoltajasi voi antaa luvan kirjastossa.",
        "Du har inte fyllt 15 år. Din vårdnadshavare kan ge tillstånd på biblioteket.",
        "You are under 15. Your guardian can give permission at the library.",
    ),
    Shown(Notice.TERMS_NOT_ACCEPTED): (
        (
            "Et ole hyväksynyt omatoimikirjaston käyttösääntöjä. "
            "Voit hyväksyä ne kirjastossa palveluaikana."
        ),
        (
            "Du har inte godkänt användarreglerna för det meröppna biblioteket. "
            "Du kan göra det på biblioteket under servicetid."
        ),
        (
            "You have not accepted the self-service rules. "
            "You can do so at the library during staffed hours."
        ),
    ),
    Shown(Notice.CATEGORY_NOT_ALLOWED): (
        "Tällä kortilla ei voi käyttää omatoimikirjastoa.",
        "Det här kortet gäller inte i det meröppna biblioteket.",
        "This card is not valid for self-service access.",
    ),
    Shown(Notice.EXPIRED): (
        "Asiakkuutesi on vanhentunut. Uusi se kirjastossa.",
        "Ditt bibliotekskort har gått ut. Förnya det på biblioteket.",
        "Your library card has expired. Renew it at the library.",
    ),
    Shown(Notice.TRY_LATER, minutes=1): (
        "Liian monta yritystä. Yritä uudelleen 1 minuutin kuluttua.",
        "För många försök. Försök igen om 1 minut.",
        "Too many attempts. Try again in 1 minute.",
    ),
    Shown(Notice.TRY_LATER, minutes=5): (
        "Liian monta yritystä. Yritä uudelleen 5 minuutin kuluttua.",
        "För många försök. Försök igen om 5 minuter.",
        "Too many attempts. Try again in 5 minutes.",
    ),
    Shown(Notice.FULL): (
        "Kirjasto on täynnä. Yritä hetken kuluttua uudelleen.",
        "Biblioteket är fullt. Försök igen om en stund.",
        "The library is full. Try again in a while.",
    ),
    Shown(Notice.PIN_TIMEOUT): (
        "Aika loppui. Lue kortti uudelleen.",
        "Tiden gick ut. Läs in kortet igen.",
        "Time ran out. Scan your card again.",
    ),
    Shown(Notice.FAULT, code="22"): (
        "Ovi ei juuri nyt toimi. Soita +358 40 123 4567. Koodi 22.",
        "Dörren fungerar inte just nu. Ring +358 40 123 4567. Kod 22.",
        "The door is out of order. Call +358 40 123 4567. Code 22.",
    ),
    Shown(Notice.NOT_A_LIBRARY_CODE): (
        "Tämä ei ole kirjaston viivakoodi.",
        "Det här är inte bibliotekets streckkod.",
        "This is not a library barcode.",
    ),
}


@pytest.mark.parametrize("shown", WORDING, ids=str)
def test_a_notice_is_said_word_for_word(shown: Shown) -> None:
    found = [
        said(shown, language, PLACE, NOW).text.replace(NBSP, " ") for language in ("fi", "sv", "en")
    ]
    assert tuple(found) == WORDING[shown]


def test_the_list_of_wording_names_every_notice() -> None:
    assert {shown.notice for shown in WORDING} == set(Notice)


# Days, hours, phones


def _opening(language: str, at: datetime, now: datetime | None = NOW) -> str:
    return said(Shown(Notice.CLOSED, opens=at), language, PLACE, now).text.split(". ", 1)[1]


@pytest.mark.parametrize(
    ("days", "fi", "sv", "en"),
    [
        (0, "tänään", "i dag", "today"),
        (1, "huomenna", "i morgon", "tomorrow"),
        (2, "keskiviikkona", "på onsdag", "on Wednesday"),
        (6, "sunnuntaina", "på söndag", "on Sunday"),
        (7, "30.11.2026", "30.11.2026", "on 30 November 2026"),
        (-1, "22.11.2026", "22.11.2026", "on 22 November 2026"),
    ],
)
def test_the_day_of_an_opening_is_said_as_people_say_it(
    days: int, fi: str, sv: str, en: str
) -> None:
    at = NOW + timedelta(days=days, hours=2, minutes=5)
    assert _opening("fi", at) == f"Avoinna seuraavan kerran {fi} klo{NBSP}12.05."
    assert _opening("sv", at) == f"Öppet nästa gång {sv} kl.{NBSP}12.05."
    assert _opening("en", at) == f"Next open {en}, 12:05."


@pytest.mark.parametrize(
    ("language", "week"),
    [
        (
            "fi",
            "maanantaina tiistaina keskiviikkona torstaina perjantaina lauantaina sunnuntaina",
        ),
        ("sv", "på_måndag på_tisdag på_onsdag på_torsdag på_fredag på_lördag på_söndag"),
        (
            "en",
            "on_Monday on_Tuesday on_Wednesday on_Thursday on_Friday on_Saturday on_Sunday",
        ),
    ],
)
def test_every_weekday_has_its_form(language: str, week: str) -> None:
    ahead = timedelta(days=3)
    days = [(NOW + timedelta(days=n)).date() for n in range(7)]  # from a Monday on
    found = [day_form(day, day - ahead, language) for day in days]
    assert found == [form.replace("_", " ") for form in week.split()]


def test_months_are_named_in_english() -> None:
    named = [date_form(date(2026, month, 5), "en") for month in range(1, 13)]
    assert named == [f"5 {month_name[month]} 2026" for month in range(1, 13)]


def test_days_are_counted_where_the_library_is() -> None:
    """22.30 UTC is half past midnight in Helsinki."""
    late = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
    assert "i dag" in _opening("sv", late + timedelta(hours=6), now=late)
    assert "i morgon" in _opening("sv", late, now=NOW)


def test_without_a_clock_to_ask_the_day_is_a_date() -> None:
    assert (
        _opening("en", NOW + timedelta(days=1), now=None) == "Next open on 24 November 2026, 10:00."
    )


def test_an_opening_in_summer_time_is_said_in_summer_time() -> None:
    at = datetime(2027, 3, 29, 4, 0, tzinfo=UTC)  # the day after the change
    assert f"klo{NBSP}7.00" in _opening("fi", at)


@pytest.mark.parametrize(("language", "word"), [("fi", "klo"), ("sv", "kl.")])
def test_an_hour_is_never_parted_from_its_word(language: str, word: str) -> None:
    words = said(Shown(Notice.CLOSED, opens=NOW + timedelta(hours=30)), language, PLACE, NOW)
    for columns in range(18, 60):
        for text in (words.text, words.short):
            rows = wrap(text, columns, break_on_hyphens=False)
            assert sum(f"{word}{NBSP}16.00." in row for row in rows) == 1


def test_a_time_alone_has_its_word() -> None:
    zone = PLACE.zone
    assert [time_text(NOW, x, zone) for x in ("fi", "sv", "en")] == [
        "klo 10.00",
        "kl. 10.00",
        "10:00",
    ]
    assert time_text(NOW.replace(hour=5), "fi", zone) == "klo 7.00"
    assert time_text(NOW.replace(hour=5), "en", zone) == "07:00"


def test_a_fault_without_a_phone_number_or_a_code_still_makes_sense() -> None:
    bare = said(Shown(Notice.FAULT), "en", replace(PLACE, phone=""))
    assert bare.text == "The door is out of order. Code 00."


def test_a_phone_number_is_not_broken_over_two_rows() -> None:
    rows = wrap(said(Shown(Notice.FAULT, code="11"), "fi", PLACE).short, 20)
    assert f"+358{NBSP}40{NBSP}123{NBSP}4567." in rows


def test_what_is_typed_is_counted_and_never_told_by_words() -> None:
    assert said(Shown(Notice.ENTER_PIN, digits=4), "fi", PLACE).text == "Syötä tunnusluku"


def test_an_idle_door_has_the_name_of_its_library_above() -> None:
    names = [said(Shown(Notice.IDLE), language, PLACE).title for language in ("fi", "sv", "en")]
    assert names == ["Esimerkkilän kirjasto", "Exempelby bibliotek", "Esimerkkilän kirjasto"]
    assert said(Shown(Notice.IDLE), "fi", Place()).title == ""


# Lights, sounds, pictures


ASKED = {Notice.IDLE, Notice.ENTER_PIN, Notice.WAIT, Notice.GRANTED}


def test_every_denial_sounds_and_shines_the_same() -> None:
    turned_away = [s for s in every_shown() if s.notice not in ASKED and not s.standing]
    assert {(face(s).light, face(s).tone) for s in turned_away} == {(Light.RED, Tone.DENIED)}


def test_what_is_no_denial_sounds_and_shines_unlike_one() -> None:
    looks = {n: (face(Shown(n)).light, face(Shown(n)).tone) for n in ASKED}
    assert looks == {
        Notice.IDLE: (Light.OFF, Tone.NONE),
        Notice.ENTER_PIN: (Light.WAIT, Tone.PLEASE),
        Notice.WAIT: (Light.WAIT, Tone.NONE),
        Notice.GRANTED: (Light.GREEN, Tone.GRANTED),
    }


def test_every_key_sounds_the_same() -> None:
    assert {face(Shown(Notice.ENTER_PIN, digits=n)).tone for n in range(1, 17)} == {Tone.KEY}


def test_a_door_that_nobody_uses_is_dark_and_silent() -> None:
    standing = [s for s in every_shown() if s.standing]
    assert len(standing) > len({s.notice for s in standing}) > 1
    assert {(face(s).light, face(s).tone) for s in standing} == {(Light.OFF, Tone.NONE)}


def test_every_picture_is_used() -> None:
    assert {face(Shown(notice)).pictogram for notice in Notice} == set(Pictogram)


# Whatever comes


anything_shown = st.builds(
    Shown,
    st.sampled_from(Notice),
    code=st.text(max_size=80),
    until=st.none() | st.dates(),
    minutes=st.integers(),
    opens=st.none() | st.datetimes(timezones=st.none() | st.timezones()),
    digits=st.integers(),
    standing=st.booleans(),
)
any_place = st.builds(
    Place,
    st.sampled_from([UTC, ZoneInfo("Europe/Helsinki"), ZoneInfo("Pacific/Kiritimati")]),
    phone=st.text(max_size=80),
    minimum_age=st.integers(0, 99),
    name=st.dictionaries(st.sampled_from(["fi", "sv", "en"]), st.text(max_size=80)),
)
WEST = replace(PLACE, zone=ZoneInfo("America/New_York"))
any_now = st.none() | st.datetimes(timezones=st.timezones())


@example(Shown(Notice.CLOSED, opens=datetime.max.replace(tzinfo=UTC)), "fi", PLACE, NOW)
@example(Shown(Notice.CLOSED, opens=datetime.min.replace(tzinfo=UTC)), "fi", WEST, NOW)
@given(anything_shown, st.sampled_from(languages()) | st.text(max_size=5), any_place, any_now)
def test_there_are_words_for_whatever_is_shown(
    shown: Shown, language: str, place: Place, now: datetime | None
) -> None:
    found = said(shown, language, place, now)
    assert found.text
    assert found.short
    for part in (found.title, found.text, found.short):
        assert part.replace(NBSP, " ").isprintable()


def test_a_language_without_words_is_said_in_english() -> None:
    assert said(Shown(Notice.WAIT), "xx", PLACE).text == "Please wait."
