"""Put the tables of deciding behind the wall; no reading is ever changed or deleted, whoever asks."""

from django.db import migrations

from accounts.rowsecurity import SellerRows

FORWARDS = """
create trigger no_change before update or delete on optouts_noticereading for each row execute function optouts_refuse();
"""
BACKWARDS = "drop trigger no_change on optouts_noticereading;"


class Migration(migrations.Migration):
    dependencies = [("optouts", "0010_deciding")]

    operations = [
        SellerRows("optouts_guardalarm"),
        SellerRows("optouts_noticereading"),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
