"""A seller's own do-not-contact, behind the wall from the start."""

import campaigns.models
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.rowsecurity import SellerRows


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0010_restrictions'),
        ('campaigns', '0002_row_level_security'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Exclusion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=campaigns.models.Exclusion.Kind.offered, max_length=8)),
                ('value', models.CharField(max_length=120)),
                ('named', models.CharField(max_length=120)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField()),
                ('lifted_at', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('lifted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('seller', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='accounts.seller')),
            ],
            options={
                'indexes': [models.Index(fields=['seller', '-created_at', '-id'], name='exclusions_newest_first')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('lifted_at__isnull', True)), fields=('seller', 'kind', 'value'), name='excluded_once')],
            },
        ),
        SellerRows("campaigns_exclusion"),
    ]
