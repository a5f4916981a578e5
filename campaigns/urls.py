"""Addresses of the dashboard and of campaigns. Orders (`urls_orders`) are shown here too: with what was decided."""

from django.urls import include, path

from campaigns.views import (
    campaigns,
    dashboard,
    documents,
    editing,
    exclusions,
    letters,
    preview,
    rehearsing,
    switching,
    welcome,
)

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("welcome/", welcome.welcome, name="welcome"),
    path("welcome/progress/", welcome.welcome_progress, name="welcome_progress"),
    path("campaigns/", campaigns.campaigns, name="campaigns"),
    path("campaigns/new/", editing.campaign_new, name="campaign_new"),
    path("campaigns/rules/row/", editing.rule_row, name="rule_row"),
    path("campaigns/rules/products/", editing.rule_products, name="rule_products"),
    path("campaigns/<int:pk>/", campaigns.campaign, name="campaign"),
    path("campaigns/<int:pk>/switch/", switching.campaign_switch, name="campaign_switch"),
    path("campaigns/<int:pk>/copy/", editing.campaign_copy, name="campaign_copy"),
    path("campaigns/<int:pk>/archive/", editing.campaign_archive, name="campaign_archive"),
    path("campaigns/<int:pk>/what-if/<int:order_pk>/", rehearsing.campaign_what_if, name="campaign_what_if"),
    path("campaigns/<int:pk>/rehearsal/", rehearsing.campaign_rehearsal, name="campaign_rehearsal"),
    path("campaigns/<int:pk>/decisions/", campaigns.decisions, name="campaign_decisions"),
    path("campaigns/<int:pk>/letters/<slug:language>/", preview.preview, name="campaign_letter"),
    path("campaigns/<int:pk>/letters/<slug:language>/edit/", letters.letter_edit, name="campaign_letter_edit"),
    path("campaigns/<int:pk>/letters/<slug:language>/check/", letters.letter_check, name="campaign_letter_check"),
    path("campaigns/<int:pk>/letters/<slug:language>/test/", letters.letter_test, name="campaign_letter_test"),
    path("campaigns/<int:pk>/letters/<slug:language>/remove/", letters.letter_remove, name="campaign_letter_remove"),
    path("templates/shown/<slug:token>/", preview.kept_preview, name="campaign_letter_kept"),
    path("campaigns/<int:pk>/letters/<slug:language>/documents/", documents.letter_attach, name="letter_attach"),
    path(
        "campaigns/<int:pk>/letters/<slug:language>/documents/<int:document_pk>/leave-out/",
        documents.letter_leave_out,
        name="letter_leave_out",
    ),
    path("exclusions/", exclusions.exclusions_list, name="exclusions"),
    path("exclusions/export.csv", exclusions.exclusions_export, name="exclusions_export"),
    path("exclusions/new/", exclusions.exclude, name="exclude"),
    path("exclusions/new/chosen/", exclusions.exclude_chosen, name="exclude_chosen"),
    path("exclusions/new/confirmed/", exclusions.exclude_now, name="exclude_now"),
    path("exclusions/<int:pk>/lift/", exclusions.lift_exclusion, name="lift_exclusion"),
    path("templates/", letters.letters, name="letters"),
    path("templates/start/", letters.letter_start, name="letter_start"),
    path("", include("campaigns.urls_orders")),
]
