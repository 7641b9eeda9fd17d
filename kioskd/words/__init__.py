"""What people read: texts by id in every language, and notices as words.

    said(shown, language, place, now) -> Said(title, text, short, pictogram, light, tone)
    say(id, language, **values) -> str
    languages(), language_name(language), time_text(at, language, zone)

Deliberately not here: screens and displays, and texts for staff, which are English.
"""

from kioskd.words.forms import time_text
from kioskd.words.notices import Face, Place, Said, face, said, site_name
from kioskd.words.texts import WordsError, language_name, languages, say

__all__ = [
    "Face",
    "Place",
    "Said",
    "WordsError",
    "face",
    "language_name",
    "languages",
    "said",
    "say",
    "site_name",
    "time_text",
]
