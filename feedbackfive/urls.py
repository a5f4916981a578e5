"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from feedbackfive.signup import open_team

urlpatterns = [
    path("admin/", admin.site.urls),
    path("people/", include("allauth.urls")),
    path("team/open/", open_team, name="open_team"),
    path("", include("accounts.urls")),
    path("", include("campaigns.urls")),
    path("", include("messaging.urls")),
    path("", include("optouts.urls")),
]
