"""Addresses of accounts."""

from django.urls import path

from accounts import views, views_people

urlpatterns = [
    path("settings/", views.settings_page, name="settings"),
    path("team/", views.switch_team, name="switch_team"),
    path("team/invite/", views_people.invite, name="invite"),
    path("team/invitations/<int:pk>/", views_people.change_invitation, name="invitation"),
    path("team/people/<int:pk>/", views_people.member, name="member"),
    path("team/join/<slug:token>/", views_people.join_team, name="join_team"),
    path("amazon/connect/", views.connect_amazon, name="connect_amazon"),
    path("amazon/<int:pk>/reopen/", views.reopen_account, name="reopen_account"),
    path("amazon/start/", views.from_appstore, name="from_appstore"),
    path("amazon/callback/", views.amazon_callback, name="amazon_callback"),
]
