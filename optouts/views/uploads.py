"""The page on which a member hands in mails that she saved."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import managers, seller_of
from accounts.models import User
from optouts import uploads
from optouts.forms import UploadForm


@require_http_methods(["GET", "HEAD", "POST"])
@managers
def upload_mail(request: HttpRequest) -> HttpResponse:
    """Explains forwarding as an attachment, takes files, and answers each with its notice."""
    if request.method != "POST":
        return render(request, "optouts/upload.html", {"form": UploadForm()})
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "optouts/upload.html", {"form": form}, status=422)
    assert isinstance(request.user, User)
    taken = uploads.take(form.cleaned_data["mails"], seller=seller_of(request), by=request.user, now=timezone.now())
    return render(request, "optouts/upload.html", {"form": UploadForm(), "taken": taken})
