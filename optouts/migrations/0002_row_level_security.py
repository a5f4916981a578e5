"""Put the tables of optouts that belong to a seller behind the wall."""

from django.db import migrations

from accounts.rowsecurity import SellerRows


class Migration(migrations.Migration):
    dependencies = [("optouts", "0001_initial")]

    operations = [
        SellerRows("optouts_inboundaddress"),
        SellerRows("optouts_sellermailbox"),
        SellerRows("optouts_notice"),
        SellerRows("optouts_suppression"),
        SellerRows("optouts_suppressionevent"),
    ]
