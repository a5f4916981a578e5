"""Disconnecting an Amazon account: first what it touches, then the deed."""

from django.contrib import messages as flashes
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import owners, seller_of
from accounts.models import AmazonAccount
from messaging import leaving


@require_http_methods(["GET", "HEAD", "POST"])
@owners
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Say exactly what will be deleted and when; by POST, disconnect."""
    account = get_object_or_404(AmazonAccount.objects.for_seller(seller_of(request)), pk=pk)
    now = timezone.now()
    if request.method == "POST":
        if leaving.disconnect(account, now=now):
            flashes.success(request, f"{account} is disconnected. Nothing is read or sent for it any more.")
        return redirect("settings")
    context = {
        "account": account,
        "touched": leaving.consequences(account),
        "erased_on": leaving.erased_on(account, now=now),
    }
    return render(request, "messaging/disconnect.html", context)
