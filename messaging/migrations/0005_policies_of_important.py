"""Enter what is known of `[Important]`: in force, announced as gone, and advised again by Amazon's own notices."""

import datetime

from django.db import migrations

ENTERED = datetime.datetime(2026, 11, 25, tzinfo=datetime.timezone.utc)
POLICIES = [
    (
        datetime.date(2017, 5, 16),
        "works",
        "A mail with [Important] in its subject, written for a critical reason, reaches a buyer who has opted out.",
        "Amazon's help page on Buyer-Seller Messaging, 16 May 2017",
    ),
    (
        datetime.date(2025, 4, 25),
        "gone",
        "Amazon has removed the option to add [Important] to the subject line and override the buyer's preference.",
        "Amazon's announcement to sellers, spring 2025",
    ),
    (
        datetime.date(2026, 9, 10),
        "disputed",
        "Amazon announced in spring 2025 that [Important] has no effect any more, but its own opt-out notices still "
        "advise it. Such a mail may be stopped.",
        "Amazon's announcement of spring 2025, and its opt-out notice of 10 September 2026",
    ),
]


def enter(apps, schema_editor):
    policy = apps.get_model("messaging", "ImportantPolicy")
    policy.objects.bulk_create(
        policy(since=since, effect=effect, sentence=sentence, source=source, entered_at=ENTERED)
        for since, effect, sentence, source in POLICIES
    )


class Migration(migrations.Migration):
    dependencies = [("messaging", "0004_critical_messages")]

    operations = [migrations.RunPython(enter, migrations.RunPython.noop)]
