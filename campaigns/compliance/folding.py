"""Text made comparable: case, width, accents, look-alike letters and invisible characters do not count. Pure."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

# Letters of other scripts that pass for Latin ones.
_LOOK_ALIKES: Final = dict(
    zip("аеорсухіјѕԁһӏνοαεικρτυχβ", "aeopcyxijsdhlvoaeikptuxb", strict=True)
)  # Cyrillic, then Greek
_SPECIAL: Final = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "’": "'", "‘": "'"}


@dataclass(frozen=True, slots=True)
class Folded:
    """`text[n]` comes from character `places[n]` of the original."""

    text: str
    places: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Of the original. `start` < `end`."""
        return self.places[start], self.places[end - 1] + 1


def fold(text: str) -> Folded:
    if text.isascii() and text.isprintable():
        return Folded(text.lower(), range(len(text)))
    table = {character: _fold(character) for character in set(text)}
    folded = text.translate({ord(character): piece for character, piece in table.items() if piece != character})
    if all(len(piece) == 1 for piece in table.values()):
        return Folded(folded, range(len(text)))
    return Folded(folded, [place for place, character in enumerate(text) for _ in table[character]])


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    if character in "\n\t\r":
        return character
    category = unicodedata.category(character)
    if category in ("Cf", "Cc", "Mn") and character not in "゙゚":
        return ""
    plain = unicodedata.normalize("NFKC", character).lower()
    if len(plain) == 1 and plain in _SPECIAL:
        return _SPECIAL[plain]
    if len(plain) == 1 and plain in _LOOK_ALIKES:
        return _LOOK_ALIKES[plain]
    if "぀" <= plain[:1] <= "ヿ":  # kana: their marks are letters
        return plain
    return "".join(mark for mark in unicodedata.normalize("NFKD", plain) if unicodedata.category(mark) != "Mn")
