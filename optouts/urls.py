"""Addresses of the opt-outs."""

from django.urls import path

from optouts.views import entries, notices, setting_up

urlpatterns = [
    path("opt-outs/", entries.optouts, name="optouts"),
    path("opt-outs/export.csv", entries.optouts_export, name="optouts_export"),
    path("opt-outs/address/", setting_up.open_address, name="open_address"),
    path("opt-outs/mailboxes/<int:pk>/confirm/", setting_up.confirm_mailbox, name="confirm_mailbox"),
    path("opt-outs/notices/", notices.notices, name="notices"),
    path("opt-outs/notices/export.csv", notices.notices_export, name="notices_export"),
    path("opt-outs/notices/<int:pk>/", notices.notice, name="notice"),
]
