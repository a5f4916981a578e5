"""Rules of every kind, timing in full, and the history of a campaign, behind the wall."""

import campaigns.models
import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.rowsecurity import SellerRows


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0010_restrictions'),
        ('campaigns', '0003_exclusions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CampaignChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('what', models.JSONField()),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.AlterModelOptions(
            name='rule',
            options={'ordering': ['id']},
        ),
        migrations.RemoveConstraint(
            model_name='rule',
            name='one_rule_of_a_kind',
        ),
        migrations.AddField(
            model_name='campaign',
            name='after',
            field=models.CharField(choices=campaigns.models.Campaign.After.offered, db_default='delivery', default='delivery', max_length=8),
        ),
        migrations.AddField(
            model_name='campaign',
            name='delay_hours',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='campaign',
            name='ends_on',
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='marketplaces',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), blank=True, db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='campaign',
            name='no_match',
            field=models.CharField(choices=campaigns.models.Campaign.NoMatch.offered, db_default='skip', default='skip', max_length=8),
        ),
        migrations.AddField(
            model_name='campaign',
            name='quiet_from',
            field=models.TimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='quiet_until',
            field=models.TimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='starts_on',
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='takes_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='version',
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name='campaign',
            name='weekdays',
            field=models.CharField(db_default='0123456', default='0123456', max_length=7),
        ),
        migrations.AddField(
            model_name='followup',
            name='version',
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name='rule',
            name='operator',
            field=models.CharField(choices=campaigns.models.Rule.Operator.offered, db_default='is', default='is', max_length=8),
        ),
        migrations.AddField(
            model_name='rule',
            name='values',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=120), blank=True, db_default=[], default=list, size=None),
        ),
        migrations.AlterField(
            model_name='rule',
            name='value',
            field=models.CharField(db_default='', default='', max_length=40),
        ),
        migrations.AddField(
            model_name='campaignchange',
            name='by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='campaignchange',
            name='campaign',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='campaigns.campaign'),
        ),
        migrations.AddField(
            model_name='campaignchange',
            name='seller',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='accounts.seller'),
        ),
        migrations.AddIndex(
            model_name='campaignchange',
            index=models.Index(fields=['campaign', '-at', '-id'], name='changes_newest_first'),
        ),
        SellerRows("campaigns_campaignchange"),
    ]
