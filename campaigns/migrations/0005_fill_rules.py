"""A rule's one value becomes its list; what every campaign refused so far becomes a rule that it can give up."""

from django.db import migrations

from accounts.rowsecurity import across_sellers

SO_FAR_REFUSED = ("replacement", "cancellation_asked")


def fill(apps, schema_editor):
    Campaign, Rule = apps.get_model("campaigns", "Campaign"), apps.get_model("campaigns", "Rule")
    with across_sellers("rules are given their lists"):
        for rule in Rule.objects.exclude(value=""):
            Rule.objects.filter(pk=rule.pk).update(values=[rule.value])
        Rule.objects.bulk_create(
            Rule(seller_id=campaign.seller_id, campaign=campaign, kind=kind, operator="is_not", values=[])
            for campaign in Campaign.objects.all()
            for kind in SO_FAR_REFUSED
        )


def empty(apps, schema_editor):
    Rule = apps.get_model("campaigns", "Rule")
    with across_sellers("rules lose their lists"):
        Rule.objects.exclude(kind="fulfilled_by").delete()
        for rule in Rule.objects.exclude(values=[]):
            Rule.objects.filter(pk=rule.pk).update(value=rule.values[0])


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0004_rules_and_timing")]

    operations = [migrations.RunPython(fill, empty)]
