"""Signs in a text that are no words: emojis, [Important], empty lines, and the order id that has to be there. Pure."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from campaigns.compliance.findings import MOST, Hit

PURPOSES: Final = frozenset({"instructions", "warranty", "invoice"})  # what may be attached
_EMOJI: Final = re.compile(
    "(?:[\U0001f000-\U0001faff\U0001fb00-\U0001fbff☀-➿⬀-⯿⌀-⏿]|[©®™‼⁉ℹ〰〽㊗㊙]\ufe0f|[0-9#*]\ufe0f?\u20e3)"
    "[\ufe0f\ufe0e\u200d\U0001f3fb-\U0001f3ff\U0001f1e6-\U0001f1ff]*"
)
_NO_EMOJI: Final = frozenset("★☆✓✔✗✘❤➔➜➤❖✦✧✱✳✴✶")  # signs of print; without the mark that makes a picture of them
_SMILEYS: Final = re.compile(r"(?<!\S)(?:[:;=]-?[)(DPp]|<3|\^_\^|xD|XD)(?!\w)")
_IMPORTANT: Final = re.compile(
    r"[\[【［]\s{0,3}(?:important|wichtig|importante|重要)\s{0,3}[\]】］]", re.IGNORECASE
)
_BREAKS: Final = re.compile(r"\n[ \t\r\u00a0]*\n[ \t\r\u00a0]*\n(?:[ \t\r\u00a0]*\n)*")
_ORDER_ID: Final = re.compile(
    r"(?<![0-9])[0-9]{3}[-‐‑–][0-9]{7}[-‐‑–][0-9]{7}(?![0-9])|\{\{\s{0,5}order_id\s{0,5}\}\}|\[\[\s{0,5}order[\s_-]{0,3}(?:id|number|nr|no)\s{0,5}\]\]",
    re.IGNORECASE,
)
_PLACEHOLDER: Final = re.compile(r"\{\{[^{}]{1,60}\}\}|\[\[[^\[\]]{1,60}\]\]")


def hits(text: str) -> Iterator[Hit]:
    pictures = _EMOJI.finditer(text) if not text.isascii() else iter(())
    emojis = (found for found in pictures if found[0] not in _NO_EMOJI)
    for found in islice(emojis, MOST):
        yield Hit("emoji", found.start(), found.end())
    for pattern, rule in ((_SMILEYS, "emoji"), (_IMPORTANT, "important_keyword"), (_BREAKS, "line_breaks")):
        for found in islice(pattern.finditer(text), MOST):
            yield Hit(rule, found.start(), found.end())


def has_order_id(source: str) -> bool:
    return _ORDER_ID.search(source) is not None


def is_placeholder(text: str) -> bool:
    return _PLACEHOLDER.fullmatch(text) is not None
