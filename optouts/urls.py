"""Addresses of the opt-outs."""

from django.urls import path

from optouts import views

urlpatterns = [
    path("opt-outs/", views.optouts, name="optouts"),
    path("opt-outs/export.csv", views.optouts_export, name="optouts_export"),
    path("opt-outs/address/", views.open_address, name="open_address"),
    path("opt-outs/mailboxes/<int:pk>/confirm/", views.confirm_mailbox, name="confirm_mailbox"),
    path("opt-outs/notices/", views.notices, name="notices"),
    path("opt-outs/notices/export.csv", views.notices_export, name="notices_export"),
    path("opt-outs/notices/<int:pk>/", views.notice, name="notice"),
]
