"""The words of this project by id and language: one TOML file a language, read once.

A language is a file in this folder; its name is the language's code. An id is a table and a key
of it: "granted.text", "labels.help". A table without `short` says its `text` there too.

Deliberately not here: which words a notice takes, and what is done when they are missing
(kioskd.words.notices).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import msgspec

from kioskd.errors import KioskError

FALLBACK: Final = "en"  # where a language has no file; its own files are complete, a test says so
_SUFFIX: Final = ".toml"
_NOT_SAID: Final = ("language", "forms")  # tables that hold no words by themselves


class WordsError(KioskError, LookupError):
    """No such language or id, or a value that its words need is missing."""


@dataclass(frozen=True, slots=True)
class Forms:
    """How a language bends days, dates, times and minutes. Patterns are for str.format.

    weekdays: Monday first, in the form that answers "when". months: for {month_name}.
    minutes: one form for each that `plural` tells apart.
    """

    today: str
    tomorrow: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    date: str
    on_date: str
    time: str
    minutes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """One language. name: its own name for itself; plural: see kioskd.words.forms."""

    language: str
    name: str
    plural: str
    forms: Forms
    words: Mapping[str, str]


@cache
def languages() -> tuple[str, ...]:
    """Every language that there are words for, in the order of their codes."""
    names = (entry.name for entry in resources.files(__package__).iterdir())
    return tuple(sorted(n.removesuffix(_SUFFIX) for n in names if n.endswith(_SUFFIX)))


@cache
def book(language: str) -> Book:
    """The words of a language. WordsError: there is no such file, or it is not complete."""
    if language not in languages():
        raise WordsError(f"no words in {language!r}; there are {', '.join(languages())}")
    file = resources.files(__package__) / f"{language}{_SUFFIX}"
    read = tomllib.loads(file.read_text(encoding="utf-8"))
    try:
        return _book(language, read)
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
        raise WordsError(f"{language}{_SUFFIX} is not complete: {error}") from error


def say(id: str, language: str, **values: object) -> str:  # noqa: A002 - the word for it
    """The words of this id with their values. WordsError: language, id or a value is missing."""
    words = book(language).words.get(id)
    if words is None:
        raise WordsError(f"no words for {id!r} in {language}{_SUFFIX}; add them there")
    try:
        return words.format_map(values)
    except (KeyError, IndexError, ValueError) as error:
        raise WordsError(f"{id!r} in {language}{_SUFFIX}: no value for {error}") from error


def language_name(language: str) -> str:
    """What a language calls itself; its code where there are no words in it."""
    return book(language).name if language in languages() else language


def _book(language: str, read: dict[str, Any]) -> Book:
    words = {
        f"{table}.{key}": str(text)
        for table, keys in read.items()
        if table not in _NOT_SAID
        for key, text in {**_short(keys), **keys}.items()
    }
    about = read["language"]
    forms = msgspec.convert(read["forms"], Forms)
    return Book(language, about["name"], about["plural"], forms, words)


def _short(keys: dict[str, str]) -> dict[str, str]:
    return {"short": keys["text"]} if "text" in keys else {}
