"""`orders_read` counted readings, an order as often as it changed: from here on it counts orders."""

from django.db import migrations
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from accounts.rowsecurity import across_sellers


def count(apps, schema_editor):
    Order, OrderReading = apps.get_model("orders", "Order"), apps.get_model("orders", "OrderReading")
    of_account = Order.objects.filter(account=OuterRef("account")).order_by().values("account")
    with across_sellers("different orders are counted"):
        OrderReading.objects.update(orders_read=Coalesce(Subquery(of_account.annotate(n=Count("pk")).values("n")), 0))


class Migration(migrations.Migration):
    dependencies = [("orders", "0014_progress_of_a_window")]

    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
