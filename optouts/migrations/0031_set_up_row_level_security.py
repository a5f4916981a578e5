"""Put the tables of setting up behind the wall."""

from django.db import migrations

from accounts.rowsecurity import SellerRows


class Migration(migrations.Migration):
    dependencies = [("optouts", "0030_set_up")]

    operations = [
        SellerRows("optouts_noticetest"),
        SellerRows("optouts_forwardingrequest"),
        SellerRows("optouts_optoutwatch"),
    ]
