"""Put the tables of campaigns that belong to a seller behind the wall."""

from django.db import migrations

from accounts.rowsecurity import SellerRows


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]

    operations = [
        SellerRows("campaigns_campaign"),
        SellerRows("campaigns_rule"),
        SellerRows("campaigns_template"),
        SellerRows("campaigns_followup"),
    ]
