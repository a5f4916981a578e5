"""Put the tables of orders that belong to a seller behind the wall."""

from django.db import migrations

from accounts.rowsecurity import SellerRows


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [
        SellerRows("orders_order"),
        SellerRows("orders_orderitem"),
        SellerRows("orders_orderreading"),
    ]
