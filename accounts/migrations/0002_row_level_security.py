"""Put the tables of accounts that belong to a seller behind the wall."""

from django.db import migrations

from accounts.rowsecurity import SellerRows


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        SellerRows("accounts_membership"),
        SellerRows("accounts_amazonaccount"),
        SellerRows("accounts_accountmarketplace"),
    ]
