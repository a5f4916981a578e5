"""The search over orders, as the Orders page offers it."""

import re
from typing import Any, Final

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import AccountMarketplace, Seller
from orders import clocks
from orders.models import Order, OrderItem

ORDER_NUMBER: Final = re.compile(r"[0-9A-Z]{3}-[0-9]{7}-[0-9]{7}")


def marketplaces_of(seller: Seller) -> list[tuple[str, str]]:
    """The marketplaces of a seller as choices, by name."""
    ids = AccountMarketplace.objects.for_seller(seller).values_list("marketplace_id", flat=True).distinct()
    return sorted(((id, clocks.marketplace_name(id)) for id in ids), key=lambda choice: choice[1])


class OrderSearch(forms.Form):
    """What may be asked of the list of orders. Everything is optional."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Order number, SKU, ASIN or product"}),
    )
    marketplace = forms.ChoiceField(required=False)
    status = forms.ChoiceField(required=False, choices=[("", "Any status"), *Order.Status.choices])
    fulfilled_by = forms.ChoiceField(
        label="Fulfilled by",
        required=False,
        choices=[("", "Any fulfilment"), ("amazon", "Fulfilled by Amazon"), ("merchant", "Fulfilled by you")],
    )

    def __init__(self, *args: Any, marketplaces: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["marketplace"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Any marketplace"), *marketplaces]

    def narrow(self, orders: QuerySet[Order]) -> QuerySet[Order]:
        """The orders that are asked for. Call when valid."""
        asked = self.cleaned_data
        if asked["marketplace"]:
            orders = orders.filter(marketplace_id=asked["marketplace"])
        if asked["status"]:
            orders = orders.filter(status=asked["status"])
        if asked["fulfilled_by"]:
            orders = orders.filter(fulfilled_by=asked["fulfilled_by"])
        return _matching(orders, asked["q"].strip())


def _matching(orders: QuerySet[Order], words: str) -> QuerySet[Order]:
    if not words:
        return orders
    if ORDER_NUMBER.fullmatch(words.upper()):
        return orders.filter(amazon_order_id=words.upper())  # the index answers; no product is looked at
    item = OrderItem.objects.filter(order=OuterRef("pk")).filter(
        Q(sku__iexact=words) | Q(asin__iexact=words) | Q(title__icontains=words)
    )
    return orders.filter(Q(amazon_order_id__contains=words) | Exists(item))
