"""Indexes of messages hold only what is looked for by them: every move writes into each that holds its row."""

import uuid

from django.db import migrations, models

SETTLED = ["sent", "cancelled", "suppressed", "expired", "capped", "refused", "unknown", "blocked"]


class Migration(migrations.Migration):

    dependencies = [
        ("messaging", "0010_documents"),
    ]

    operations = [
        migrations.AddIndex(
            "message",
            models.Index(
                fields=["order_key"],
                name="messages_pending_by_order_key",
                condition=models.Q(status__in=["scheduled", "held", "claimed"]),
            ),
        ),
        migrations.AddIndex(
            "message",
            models.Index(
                fields=["seller", "-touched_at", "-id"],
                name="settled_messages_newest_first",
                condition=models.Q(status__in=SETTLED),
            ),
        ),
        migrations.AddIndex(
            "message",
            models.Index(
                fields=["purge_at"],
                name="settled_letters_to_purge",
                condition=models.Q(letter_sealed__isnull=False, status__in=SETTLED),
            ),
        ),
        migrations.AddConstraint(
            "message",
            models.UniqueConstraint(
                fields=["message_id"], name="one_critical_message_per_form", condition=models.Q(purpose="critical")
            ),
        ),
        migrations.RemoveIndex("message", "messages_by_order_key"),
        migrations.RemoveIndex("message", "messages_newest_first"),
        migrations.RemoveIndex("message", "letters_to_purge"),
        migrations.AlterField("message", "message_id", models.UUIDField(default=uuid.uuid4)),
    ]
