"""Critical order messages: purpose and kind of a message, their audit entries, and the policy of [Important]."""

import django.db.models.deletion
import messaging.models
from django.conf import settings
from django.db import migrations, models

from accounts.rowsecurity import SellerRows


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0010_restrictions'),
        ('messaging', '0003_sending'),
        ('orders', '0002_row_level_security'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CriticalMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(choices=messaging.models.CriticalMessage.Reason.offered, max_length=13)),
                ('was_opted_out', models.BooleanField()),
                ('policy', models.TextField(blank=True)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='ImportantPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('marketplace_id', models.CharField(blank=True, max_length=20)),
                ('since', models.DateField()),
                ('effect', models.CharField(choices=messaging.models.ImportantPolicy.Effect.offered, max_length=8)),
                ('sentence', models.CharField(max_length=400)),
                ('source', models.CharField(max_length=300)),
                ('entered_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'policies of [Important]',
            },
        ),
        migrations.RemoveConstraint(
            model_name='message',
            name='one_request_per_order',
        ),
        migrations.AddField(
            model_name='message',
            name='kind',
            field=models.CharField(blank=True, db_default='', max_length=40),
        ),
        migrations.AddField(
            model_name='message',
            name='purpose',
            field=models.CharField(choices=messaging.models.Purpose.offered, db_default='campaign', default='campaign', max_length=8),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(condition=models.Q(('frees_order', False), ('purpose', 'campaign')), fields=('request_key',), name='one_request_of_campaigns_per_order'),
        ),
        migrations.AddField(
            model_name='criticalmessage',
            name='message',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='critical', to='messaging.message'),
        ),
        migrations.AddField(
            model_name='criticalmessage',
            name='seller',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='accounts.seller'),
        ),
        migrations.AddField(
            model_name='criticalmessage',
            name='written_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='importantpolicy',
            name='entered_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='criticalmessage',
            index=models.Index(fields=['seller', '-at', '-id'], name='critical_newest_first'),
        ),
        migrations.AddConstraint(
            model_name='importantpolicy',
            constraint=models.UniqueConstraint(fields=('marketplace_id', 'since'), name='one_policy_of_important_per_day'),
        ),
        SellerRows("messaging_criticalmessage"),
    ]
