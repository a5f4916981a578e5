"""Put the tables of messaging that belong to a seller behind the wall."""

from django.db import migrations

from accounts.rowsecurity import SellerRows


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial")]

    operations = [
        SellerRows("messaging_message"),
        SellerRows("messaging_messageevent"),
    ]
