"""Which column of a file holds SKUs or ASINs: by its heading. For lists of rules and of exclusions. Pure."""

import re
from collections.abc import Sequence
from typing import Final

HEADINGS: Final[dict[str, frozenset[str]]] = {  # by kind of a rule or an exclusion
    "sku": frozenset("sku skus sellersku merchantsku msku itemsku".split()),
    "asin": frozenset("asin asins asin1 childasin productasin".split()),
}
_JOINTS = re.compile(r"[\s_.-]+")


def column_of(kind: str, first_row: Sequence[str]) -> int | None:
    """None: the first row has no such heading. "SKU-1" is none: it may well be a SKU."""
    known = HEADINGS.get(kind, frozenset())
    return next((index for index, cell in enumerate(first_row) if _JOINTS.sub("", cell.lower()) in known), None)
