"""Documents that go with letters, and which of them went with a message."""

import django.contrib.postgres.fields
import django.db.models.deletion
import messaging.models
from django.conf import settings
from django.db import migrations, models

from accounts.rowsecurity import SellerRows


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0012_health_and_leaving'),
        ('messaging', '0009_why_now'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='documents',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, db_default=[], default=list, size=None),
        ),
        migrations.CreateModel(
            name='DocumentContent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_sealed', models.BinaryField()),
                ('seller', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='accounts.seller')),
            ],
        ),
        migrations.CreateModel(
            name='Document',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(choices=messaging.models.Document.Purpose.offered, max_length=12)),
                ('name', models.CharField(max_length=80)),
                ('version', models.PositiveIntegerField()),
                ('size', models.PositiveIntegerField()),
                ('digest', models.CharField(max_length=64)),
                ('added_at', models.DateTimeField()),
                ('unused_since', models.DateTimeField(blank=True, null=True)),
                ('added_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('seller', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='accounts.seller')),
                ('content', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='document', to='messaging.documentcontent')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('content__isnull', False)), fields=['unused_since'], name='documents_to_erase')],
                'constraints': [models.UniqueConstraint(fields=('seller', 'name', 'version'), name='one_document_per_version')],
            },
        ),
        SellerRows("messaging_documentcontent"),
        SellerRows("messaging_document"),
    ]
