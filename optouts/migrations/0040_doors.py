"""By which door a notice came, and who uploaded it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import optouts.models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("optouts", "0011_deciding_walls"),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="source",
            field=models.CharField(
                choices=optouts.models.Notice.Source.offered, db_default="smtp", default="smtp", max_length=10
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="uploaded_by",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
            ),
        ),
    ]
