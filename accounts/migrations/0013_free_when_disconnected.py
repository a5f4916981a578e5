"""Who disconnects an Amazon account lets go of it: another seller may connect it then."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_health_and_leaving")]

    operations = [
        migrations.AddConstraint(
            model_name="amazonaccount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "disconnected"), _negated=True),
                fields=("region", "selling_partner_id"),
                name="one_seller_per_amazon_account_at_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="amazonaccount",
            constraint=models.UniqueConstraint(
                fields=("seller", "region", "selling_partner_id"), name="one_row_per_seller_and_amazon_account"
            ),
        ),
        migrations.RemoveConstraint(model_name="amazonaccount", name="one_seller_per_amazon_account"),
    ]
