"""Addresses of the Orders pages."""

from django.urls import path

from campaigns.views import critical, orders

urlpatterns = [
    path("orders/", orders.orders, name="orders"),
    path("orders/find/", orders.find_order, name="find_order"),
    path("orders/export.csv", orders.orders_export, name="orders_export"),
    path("orders/<int:pk>/", orders.order, name="order"),
    path("orders/<int:pk>/critical/", critical.write_critical, name="write_critical"),
    path("orders/<slug:amazon_order_id>/", orders.order_by_number, name="order_by_number"),
]
