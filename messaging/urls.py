"""Addresses of messaging."""

from django.urls import path

from messaging.views import documents, history, leaving, letters, messages, scheduling, senders

urlpatterns = [
    path("scheduling/", scheduling.scheduling, name="scheduling"),
    path("scheduling/export.csv", scheduling.scheduling_export, name="scheduling_export"),
    path("scheduling/confirm/", scheduling.confirm_act, name="confirm_act"),
    path("scheduling/act/", scheduling.act, name="act"),
    path("history/", history.history, name="history"),
    path("history/export.csv", history.history_export, name="history_export"),
    path("messages/<int:pk>/", messages.message, name="message"),
    path("messages/<int:pk>/settle/", messages.settle, name="settle_message"),
    path("messages/<int:pk>/letter/", letters.letter, name="letter"),
    path("documents/<int:pk>/", documents.document, name="document"),
    path("settings/senders/", senders.senders, name="senders"),
    path("settings/marketplaces/<int:pk>/use/", senders.use, name="use_marketplace"),
    path("amazon/<int:pk>/disconnect/", leaving.disconnect, name="disconnect_amazon"),
    path("settings/senders/<int:pk>/", senders.save, name="save_sender"),
]
