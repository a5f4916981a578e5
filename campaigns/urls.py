"""Addresses of the dashboard and of campaigns. Orders (`urls_orders`) are shown here too: with what was decided."""

from django.urls import include, path

from campaigns.views import campaigns, dashboard, preview, switching

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("campaigns/", campaigns.campaigns, name="campaigns"),
    path("campaigns/<int:pk>/", campaigns.campaign, name="campaign"),
    path("campaigns/<int:pk>/switch/", switching.campaign_switch, name="campaign_switch"),
    path("campaigns/<int:pk>/decisions/", campaigns.decisions, name="campaign_decisions"),
    path("campaigns/<int:pk>/letters/<slug:language>/", preview.preview, name="campaign_letter"),
    path("", include("campaigns.urls_orders")),
]
