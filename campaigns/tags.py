"""Letters written for FeedbackFive's old site: their `[[Tags]]` become placeholders. Pure.

The buyer's name is never used, so a tag for it is taken out; a tag that nothing answers to is named, and stays.
"""

import re
from dataclasses import dataclass
from typing import Final

_TAG: Final = re.compile(r"\[\[\s{0,3}([A-Za-z][A-Za-z0-9 _/-]{0,40}?)\s{0,3}\]\]")
_KNOWN: Final = {
    "order id": "order_id", "order number": "order_id", "amazon order id": "order_id", "orderid": "order_id",
    "product name": "product_title", "product title": "product_title", "item name": "product_title",
    "item title": "product_title", "product": "product_title", "products": "product_title",
    "short product name": "product_title_short", "product short name": "product_title_short",
    "sku": "sku", "seller sku": "sku", "asin": "asin", "quantity": "quantity", "item quantity": "quantity",
    "order date": "order_date", "purchase date": "order_date", "ship date": "order_date",
    "delivery date": "delivery_date", "estimated arrival": "delivery_date", "estimated delivery date": "delivery_date",
    "store name": "store_name", "company name": "store_name", "seller name": "store_name", "storefront": "store_name",
    "marketplace": "marketplace", "marketplace name": "marketplace",
    "contact link": "contact_link", "contact seller link": "contact_link", "contact us link": "contact_link",
    "order link": "order_link", "order details link": "order_link", "feedback link": "order_link",
    "product review link": "order_link", "review link": "order_link", "seller feedback link": "order_link",
}  # fmt: skip
_NAMES_OF_BUYERS: Final = frozenset(
    {"buyer name", "buyer first name", "buyer last name", "first name", "last name", "customer name", "recipient name"}
)


@dataclass(frozen=True, slots=True)
class Imported:
    """`left_out`: tags for the buyer's name; `unknown`: tags that are still in the text."""

    text: str
    left_out: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def import_tags(text: str) -> Imported:
    left_out: list[str] = []
    unknown: list[str] = []

    def placeholder(found: re.Match[str]) -> str:
        name = " ".join(found[1].lower().replace("_", " ").replace("-", " ").split())
        if name in _KNOWN:
            return f"{{{{ {_KNOWN[name]} }}}}"
        if name in _NAMES_OF_BUYERS:
            left_out.append(found[0])
            return ""
        unknown.append(found[0])
        return found[0]

    written = _TAG.sub(placeholder, text)
    if left_out:
        written = re.sub(r"[ \t]{1,5}(?=[,.!?:])", "", written)
    return Imported(written, tuple(dict.fromkeys(left_out)), tuple(dict.fromkeys(unknown)))
