"""Put the new tables that belong to a seller behind the wall."""

from django.db import migrations

from accounts.rowsecurity import SellerRows


class Migration(migrations.Migration):
    dependencies = [("orders", "0006_queues_and_reports")]

    operations = [
        SellerRows("orders_ordertoread"),
        SellerRows("orders_changenotice"),
        SellerRows("orders_amazonreport"),
    ]
