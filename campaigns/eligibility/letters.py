"""Would the letter, with the words of this very order in it, break Amazon's text rules? Pure, and remembered.

A template is looked at when it is saved and switched on; what comes into it later is the title of a product and the
name of a shop, and anybody may call a product "FREE GIFT". Values that cannot say anything stay placeholders, so one
look serves all orders of a product.
"""

from functools import lru_cache
from typing import Final

from campaigns.compliance import blocking, lint_letter
from campaigns.rendering import (
    PLACEHOLDERS,
    SHORT_TITLE_LENGTH,
    Source,
    UnknownPlaceholder,
    clean_title,
    names_in,
    render,
)
from orders.facts import OrderFacts

REMEMBERED: Final = 20_000
TITLES: Final = frozenset({"product_title", "product_title_short"})
SHOWN: Final = 60  # characters of what breaks a rule
_PLACES: Final = {name: f"{{{{ {name} }}}}" for name in PLACEHOLDERS}


def broken_rule(source: Source, language: str, facts: OrderFacts, store_name: str) -> str | None:
    """Which of Amazon's rules that block the letter of this order breaks, with the words; None: none."""
    try:
        names = names_in(source)
    except UnknownPlaceholder as trouble:
        return str(trouble)
    item = facts.items[0] if facts.items else None  # the one that the letter names
    # What the letter does not say must not tell one order from another here: of very many SKUs each would be looked at.
    title = item.title if item and not names.isdisjoint(TITLES) else ""
    sku = item.sku if item and "sku" in names else ""
    asin = item.asin if item and "asin" in names else ""
    return _broken_rule(source, language, title, sku, asin, store_name if "store_name" in names else "")


@lru_cache(maxsize=REMEMBERED)
def _broken_rule(source: Source, language: str, title: str, sku: str, asin: str, store_name: str) -> str | None:
    values = _PLACES | {
        "product_title": clean_title(title),
        "product_title_short": clean_title(title, SHORT_TITLE_LENGTH),
        "sku": sku,
        "asin": asin,
        "store_name": store_name,
    }
    letter = render(source, values)
    # As text, a title may look like HTML.
    of_subject, of_body = lint_letter(letter.subject, letter.html, language, is_html=True)
    found = next(iter(blocking([*of_subject, *of_body])), None)
    if found is None:
        return None
    words = " ".join(found.excerpt.split())[:SHOWN]
    return f"{found.guideline.title}: “{words}”" if words else found.guideline.title
