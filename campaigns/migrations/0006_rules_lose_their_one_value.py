"""The list has taken its place."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0005_fill_rules'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='rule',
            name='value',
        ),
    ]
