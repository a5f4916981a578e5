"""What the operators' pages need beyond Django's own admin."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag
def labelled(cell: SafeString, headers: Sequence[Mapping[str, Any]], index: int) -> SafeString:
    """A cell of the admin's list (`<td ...>` or `<th ...>`) that bears the name of its column.

    On a phone each row is a card and the heading is out of sight. The column of boxes to tick has no name.
    """
    if "action-checkbox" in cell[:40]:
        return cell
    name = escape(str(headers[index]["text"]).capitalize())
    return mark_safe(f'{cell[:3]} data-label="{name}"{cell[3:]}')  # noqa: S308  both are escaped
