"""Addresses of the opt-outs."""

from django.urls import path

from optouts import views_setup
from optouts.views import entries, imports, notices, setting_up, uploads
from optouts.webhooks import views as hooks

urlpatterns = [
    path("opt-outs/", entries.optouts, name="optouts"),
    path("opt-outs/export.csv", entries.optouts_export, name="optouts_export"),
    path("opt-outs/look-up/", entries.look_up, name="look_up"),
    path("opt-outs/add/", entries.add_optout, name="add_optout"),
    path("opt-outs/entries/<int:pk>/", entries.optout, name="optout"),
    path("opt-outs/entries/<int:pk>/remove/", entries.remove_optout, name="remove_optout"),
    path("opt-outs/import/", imports.import_optouts, name="import_optouts"),
    path("opt-outs/imports/<int:pk>/", imports.list_import, name="list_import"),
    path("opt-outs/imports/<int:pk>/lines.csv", imports.list_import_lines, name="list_import_lines"),
    path("opt-outs/imports/<int:pk>/carry-out/", imports.carry_out_import, name="carry_out_import"),
    path("opt-outs/imports/<int:pk>/discard/", imports.discard_import, name="discard_import"),
    path("opt-outs/address/", setting_up.open_address, name="open_address"),
    path("opt-outs/mailboxes/<int:pk>/confirm/", setting_up.confirm_mailbox, name="confirm_mailbox"),
    path("opt-outs/notices/", notices.notices, name="notices"),
    path("opt-outs/notices/export.csv", notices.notices_export, name="notices_export"),
    path("opt-outs/notices/<int:pk>/", notices.notice, name="notice"),
    path("opt-outs/notices/<int:pk>/leave-in-peace/", notices.leave_in_peace, name="leave_in_peace"),
    path("opt-outs/upload/", uploads.upload_mail, name="upload_mail"),
    path("hooks/mailgun/mime", hooks.hook_mailgun, name="hook_mailgun"),  # Mailgun sends the original if it ends so
    path("hooks/postmark", hooks.hook_postmark, name="hook_postmark"),
    path("hooks/amazon-ses", hooks.hook_amazon_ses, name="hook_amazon_ses"),
    path("opt-outs/set-up/", views_setup.set_up, name="set_up"),
    path("opt-outs/set-up/state/", views_setup.set_up_state, name="set_up_state"),
    path("opt-outs/set-up/test/", views_setup.send_test, name="send_test"),
    path("opt-outs/set-up/mailboxes/", views_setup.add_mailbox, name="add_mailbox"),
    path("opt-outs/set-up/places/<int:pk>/", views_setup.place_address, name="place_address"),
    path("opt-outs/set-up/addresses/<int:pk>/replace/", views_setup.rotate_address, name="rotate_address"),
    path("opt-outs/set-up/forwarding/<int:pk>/done/", views_setup.forwarding_done, name="forwarding_done"),
]
