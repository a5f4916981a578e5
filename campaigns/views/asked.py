"""What a page was opened about."""

from django.http import HttpRequest

from accounts.access import seller_of
from orders.models import Order


def order_asked_for(request: HttpRequest) -> Order | None:
    """The seller's order from whose row or page this one was opened (`?order=`), if any."""
    asked = request.GET.get("order", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        return None
    orders = Order.objects.for_seller(seller_of(request)).filter(pk=asked)
    return orders.prefetch_related("items").defer("alias_sealed").first()
