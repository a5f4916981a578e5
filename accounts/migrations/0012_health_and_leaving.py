"""What an authorisation lacks, its reminders, and accounts that are disconnected."""

import accounts.health
import django.db.models.deletion
from django.db import migrations, models

from accounts.rowsecurity import SellerRows


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0011_stopped_by_us'),
    ]

    operations = [
        migrations.AddField(
            model_name='amazonaccount',
            name='disconnected_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='amazonaccount',
            name='erased_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='amazonaccount',
            name='reminded_days',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name='Denial',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ability', models.CharField(choices=accounts.health.Ability.offered, max_length=20)),
                ('since', models.DateTimeField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='denials', to='accounts.amazonaccount')),
                ('seller', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='accounts.seller')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('account', 'ability'), name='one_denial_per_ability')],
            },
        ),
        SellerRows("accounts_denial"),
    ]
