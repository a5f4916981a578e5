"""What a seller does to a campaign: begin, change, copy, activate, pause, archive. Each is a version with a history.

A change and its consequences are one transaction: orders are put in line for planning before it ends, and what waits
for a campaign that is paused or archived is held or taken back within it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Final

from django.db import transaction

from accounts.models import Seller, User
from campaigns.checked_letters import refuse_broken
from campaigns.eligibility import impossible
from campaigns.enclosing import let_go_of_unnamed, with_document
from campaigns.models import Campaign, CampaignChange, FollowUp, Rule, Template
from campaigns.rendering import Source, check
from campaigns.terms import timing_of
from messaging import documents, outbox
from messaging.letters import Attachment
from messaging.models import Channel, Document
from orders.attention import ask_for_plans
from orders.models import Order

Status = Campaign.Status
LONGEST_NAME: Final = 80


class NeverSends(Exception):
    """The campaign may not be on with these settings, for nothing would ever be sent; the text is the arithmetic."""


@dataclass(frozen=True, slots=True)
class RuleWish:
    """One rule as a form or a copy wants it; `eligibility.conditions.parse` has found it sound."""

    kind: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """All that a seller may set of a campaign, but for its state and its templates."""

    name: str
    channel: str
    delay_days: int
    priority: int = 100
    marketplaces: tuple[str, ...] = ()
    delay_hours: int = 0
    after: str = Campaign.After.DELIVERY
    send_at: time | None = None
    weekdays: str = "0123456"
    quiet_from: time | None = None
    quiet_until: time | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    no_match: str = Campaign.NoMatch.SKIP
    rules: tuple[RuleWish, ...] = ()

    @classmethod
    def of(cls, campaign: Campaign) -> "Wishes":
        """The campaign as it is."""
        columns = {name: getattr(campaign, name) for name in COLUMNS}
        columns["marketplaces"] = tuple(campaign.marketplaces)
        return cls(**columns, rules=tuple(_wish(rule) for rule in campaign.rules.all()))


COLUMNS: Final = [field.name for field in fields(Wishes) if field.name != "rules"]
CALLED: Final = {
    "name": "Name",
    "channel": "Channel",
    "delay_days": "Days",
    "priority": "Priority",
    "marketplaces": "Marketplaces",
    "delay_hours": "Hours",
    "after": "Counted from the",
    "send_at": "Time of day",
    "weekdays": "Days of the week",
    "quiet_from": "Quiet from",
    "quiet_until": "Quiet until",
    "starts_on": "First day",
    "ends_on": "Last day",
    "no_match": "Without a template in the buyer's language",
}


def _wish(rule: Rule) -> RuleWish:
    return RuleWish(rule.kind, rule.operator, tuple(rule.values))


def create(seller: Seller, wishes: Wishes, *, by: User | None = None, now: datetime) -> Campaign:
    """A draft. Raises django.db.IntegrityError where the seller has a campaign of this name."""
    with transaction.atomic():
        campaign = Campaign.objects.create(seller=seller, created_at=now, changed_at=now, **_columns(wishes))
        _write_rules(campaign, wishes.rules)
        _note(campaign, ["Created"], by=by, now=now)
        _ask(campaign, now=now)
    return campaign


def change(campaign: Campaign, wishes: Wishes, *, by: User | None = None, now: datetime) -> list[str]:
    """Apply what differs and return it in sentences; nothing differs: nothing happens. Orders that are not settled are
    then decided anew, and what waits follows."""
    with transaction.atomic():
        campaign = _locked(campaign)
        before = Wishes.of(campaign)
        said = _differences(before, wishes)
        if not said:
            return []
        if before.rules != wishes.rules:
            campaign.rules.all().delete()
            _write_rules(campaign, wishes.rules)
        _save(campaign, said, by=by, now=now, **_columns(wishes))
    return said


def activate(campaign: Campaign, *, by: User | None = None, now: datetime, catch_up: timedelta | None = None) -> bool:
    """Switch on. `catch_up`: how far back orders are taken; None: as far as was set before, at first as far as Amazon
    allows. False: it was on already. Raises BreaksGuidelines for letters that Amazon forbids, and NeverSends."""
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status == Status.ACTIVE:
            return False
        refuse_broken(list(campaign.templates.all()))
        said = ["Switched on"] + ([f"Takes orders of the last {catch_up.days} days"] if catch_up is not None else [])
        takes_since = now - catch_up if catch_up is not None else campaign.takes_since
        if trouble := why_never(campaign, now=now, takes_since=takes_since):
            raise NeverSends(trouble)
        on = {"status": Status.ACTIVE, "activated_at": now, "takes_since": takes_since, "tested_by": None}
        _save(campaign, said, by=by, now=now, **on)
    return True


def why_never(campaign: Campaign, *, now: datetime, takes_since: datetime | None) -> str | None:
    """Why nothing could ever be sent, were it switched on now for orders from then on; None: something could."""
    by_letter = campaign.channel != Channel.REQUEST_REVIEW
    if by_letter and campaign.no_match == Campaign.NoMatch.SKIP and not campaign.templates.all():
        return "It has no letter yet, so nothing would ever be sent."
    return impossible(timing_of(campaign), by_letter=by_letter, now=now, takes_since=takes_since)


def put_on_trial(campaign: Campaign, *, by: User, now: datetime) -> bool:
    """Have it decide as if it were on, and write to this person instead of buyers. False: it is on, or away.

    Raises BreaksGuidelines like `activate`: what could not be sent need not be tried.
    """
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status in (Status.ACTIVE, Status.TEST, Status.ARCHIVED):
            return False
        if waiting_for(campaign):
            return False  # what is held for it must not lose its campaign
        refuse_broken(list(campaign.templates.all()))
        _save(campaign, ["Test begun: it writes to the team only"], by=by, now=now, status=Status.TEST, tested_by=by)
    return True


def end_trial(campaign: Campaign, *, by: User | None = None, now: datetime) -> bool:
    """Off again, as it was before the test."""
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status != Status.TEST:
            return False
        off = Status.PAUSED if campaign.activated_at else Status.DRAFT
        _save(campaign, ["Test ended"], by=by, now=now, status=off, tested_by=None)
    return True


def write_letter(
    campaign: Campaign, language: str, source: Source, *, by: User | None = None, now: datetime
) -> bool:
    """Write or change the letter in this language; what waits gets the new one. False: it is so already.

    Raises UnknownPlaceholder, and BreaksGuidelines where the campaign is on.
    """
    check(source)
    with transaction.atomic():
        campaign = _locked(campaign)
        template = campaign.templates.filter(language=language).first()
        if template is not None and template.source == source:
            return False
        said = f"Letter {'changed' if template else 'added'}: {language}"
        template = template or Template(seller_id=campaign.seller_id, campaign=campaign, language=language)
        template.subject, template.body, template.is_html = source.subject, source.body, source.is_html
        if campaign.status == Status.ACTIVE:
            refuse_broken([template])
        template.save()
        _save(campaign, [said], by=by, now=now)
    return True


def remove_letter(campaign: Campaign, language: str, *, by: User | None = None, now: datetime) -> bool:
    """Take the letter in this language away; orders that it was for are decided anew. False: there is none."""
    with transaction.atomic():
        campaign = _locked(campaign)
        if not campaign.templates.filter(language=language).delete()[0]:
            return False
        let_go_of_unnamed(campaign.seller_id, now=now)
        _save(campaign, [f"Letter taken away: {language}"], by=by, now=now)
    return True


def enclose(
    campaign: Campaign, language: str, document: Document, *, by: User | None = None, now: datetime
) -> Template | None:
    """Have a document go with the letter in this language, in the place of the version that did; what waits gets it.
    None: there is no such letter. Raises TooMuch, and BreaksGuidelines where the campaign is on."""
    with transaction.atomic():
        campaign = _locked(campaign)
        template = campaign.templates.filter(language=language).first()
        if template is None:
            return None
        enclosed = with_document(template.enclosed, document)
        return _have_enclosed(campaign, template, enclosed, f"{document} goes with it", by=by, now=now)


def leave_out(
    campaign: Campaign, language: str, document_id: int, *, by: User | None = None, now: datetime
) -> Template | None:
    """Have a document go with the letter no more; what waits goes without. None: it does not go with it."""
    with transaction.atomic():
        campaign = _locked(campaign)
        template = campaign.templates.filter(language=language).first()
        gone = [one for one in template.enclosed if one.document == document_id] if template else []
        if template is None or not gone:
            return None
        kept = tuple(one for one in template.enclosed if one.document != document_id)
        said = f"{gone[0].name} does not go with it any more"
        return _have_enclosed(campaign, template, kept, said, by=by, now=now)


def _have_enclosed(
    campaign: Campaign, template: Template, enclosed: Sequence[Attachment], said: str, *, by: User | None, now: datetime
) -> Template:
    template.attachments = [asdict(one) for one in enclosed]
    if campaign.status == Status.ACTIVE:
        refuse_broken([template])
    template.save(update_fields=["attachments"])
    documents.use(one.document for one in enclosed)
    let_go_of_unnamed(campaign.seller_id, now=now)
    _save(campaign, [f"Letter in {template.language}: {said}"], by=by, now=now)
    return template


def pause(campaign: Campaign, *, by: User | None = None, now: datetime) -> int:
    """Switch off for a while: what waits for it is held. Returns how many messages were."""
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status != Status.ACTIVE:
            return 0
        _save(campaign, ["Paused"], by=by, now=now, status=Status.PAUSED)
        return len(outbox.pause(waiting_for(campaign), now=now))


def archive(campaign: Campaign, *, by: User | None = None, now: datetime) -> int:
    """Put away: what waits for it is taken back, and other campaigns may take its orders. Returns how many were."""
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status == Status.ARCHIVED:
            return 0
        _save(campaign, ["Archived"], by=by, now=now, status=Status.ARCHIVED)
        reason = f"the campaign {campaign.name} was archived"
        return len(outbox.cancel(waiting_for(campaign), reason=reason, now=now, frees_order=True))


def restore(campaign: Campaign, *, by: User | None = None, now: datetime) -> bool:
    """Out of the archive, as a campaign that is off."""
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status != Status.ARCHIVED:
            return False
        off = Status.PAUSED if campaign.activated_at else Status.DRAFT
        _save(campaign, ["Taken out of the archive"], by=by, now=now, status=off)
    return True


def copy(campaign: Campaign, *, by: User | None = None, now: datetime) -> Campaign:
    """A draft with the same settings, rules and templates, under a name of its own."""
    wishes = Wishes.of(campaign)
    with transaction.atomic():
        Seller.objects.select_for_update(no_key=True).get(pk=campaign.seller_id)  # two copies at once take two names
        columns = {**_columns(wishes), "name": _free_name(campaign)}
        made = Campaign.objects.create(seller_id=campaign.seller_id, created_at=now, changed_at=now, **columns)
        _write_rules(made, wishes.rules)
        Template.objects.bulk_create(_copied(template, made) for template in campaign.templates.all())
        _note(made, [f"Copied from {campaign.name}"], by=by, now=now)
        _ask(made, now=now)
    return made


def waiting_for(campaign: Campaign) -> list[int]:
    """The messages that wait for this campaign."""
    rows = FollowUp.objects.filter(campaign=campaign, message__status__in=outbox.WAITING)
    return [pk for pk in rows.values_list("message_id", flat=True) if pk is not None]


def _copied(template: Template, campaign: Campaign) -> Template:
    template.pk, template.campaign = None, campaign
    template._state.adding = True
    return template


def _free_name(campaign: Campaign) -> str:
    taken = set(Campaign.objects.filter(seller_id=campaign.seller_id).values_list("name", flat=True))
    number = 1
    while True:
        suffix = " (copy)" if number == 1 else f" (copy {number})"
        name = campaign.name[: LONGEST_NAME - len(suffix)] + suffix
        if name not in taken:
            return name
        number += 1


def _locked(campaign: Campaign) -> Campaign:
    """The row as it is now, so that two people who change it at once make two versions. Its key stays free: planning
    holds orders while it writes decisions that point here, and we wait for these orders."""
    return Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)


def _save(campaign: Campaign, said: Sequence[str], *, by: User | None, now: datetime, **columns: object) -> None:
    # In line first: this waits for a planner that holds an order, so that nothing is scheduled behind our back.
    _ask(campaign, now=now)
    for name, value in columns.items():
        setattr(campaign, name, value)
    campaign.version += 1
    campaign.changed_at = now
    campaign.save()
    _note(campaign, said, by=by, now=now)


def _note(campaign: Campaign, said: Sequence[str], *, by: User | None, now: datetime) -> None:
    CampaignChange.objects.create(
        seller_id=campaign.seller_id, campaign=campaign, version=campaign.version, what=list(said), at=now, by=by
    )


def _ask(campaign: Campaign, *, now: datetime) -> None:
    ask_for_plans(Order.objects.filter(seller_id=campaign.seller_id), now=now)


def _columns(wishes: Wishes) -> dict[str, object]:
    return {name: getattr(wishes, name) for name in COLUMNS} | {"marketplaces": list(wishes.marketplaces)}


def _write_rules(campaign: Campaign, rules: Sequence[RuleWish]) -> None:
    Rule.objects.bulk_create(
        Rule(
            seller_id=campaign.seller_id,
            campaign=campaign,
            kind=rule.kind,
            operator=rule.operator,
            values=list(rule.values),
        )
        for rule in rules
    )


def _differences(before: Wishes, after: Wishes) -> list[str]:
    said = [
        f"{CALLED[name]}: {_said(name, getattr(before, name))} → {_said(name, getattr(after, name))}"
        for name in COLUMNS
        if getattr(before, name) != getattr(after, name)
    ]
    said += [f"Rule taken away: {_rule(rule)}" for rule in before.rules if rule not in after.rules]
    return said + [f"Rule added: {_rule(rule)}" for rule in after.rules if rule not in before.rules]


def _said(name: str, value: object) -> str:
    match name, value:
        case _, None:
            return "none"
        case "channel", str():
            return Channel(value).label
        case "marketplaces", tuple():
            return f"{len(value)} chosen" if value else "all"
        case _, time():
            return f"{value:%H:%M}"
    return str(value)


def _rule(rule: RuleWish) -> str:
    values = ", ".join(value for value in rule.values[:3] if value)
    more = f" and {len(rule.values) - 3:,} more" if len(rule.values) > 3 else ""
    return f"{Rule.Kind(rule.kind).label} {Rule.Operator(rule.operator).label} {values}{more}".strip()
