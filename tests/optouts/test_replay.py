"""Every examination is written down for good, and can be held again years later."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction

from accounts.models import AmazonAccount, Seller
from optouts import addresses, intake, promotions, readings, replay
from optouts.authenticity import DnsTrouble
from optouts.models import Notice, NoticeReading, PromotedTemplate, Suppression
from orders.models import Order
from tests.makers import IT, make_account, make_member, make_seller, make_user
from tests.notices.builder import AMAZON, NOW, FakeDns
from tests.optouts.test_intake import MAILBOX, an_order, is_suppressed, mail_to, take_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sellers")]


@pytest.fixture
def account(db: None) -> AmazonAccount:
    return make_account(make_seller(), marketplaces=(IT,))


def spoil(notice: Notice, **verdict: object) -> None:
    """As if yesterday's rules had not understood it."""
    values = {"kind": "other_amazon", "grade": "", "status": "ignored", "template": ""}
    Notice.objects.filter(pk=notice.pk).update(**values | verdict)
    Notice.objects.filter(pk=notice.pk).update(look_at=None)


def misread(account: AmazonAccount) -> tuple[Notice, Order]:
    """A genuine notice that was taken for something else, and whose effect never came about."""
    notice = take_in(account)  # parked: its order is not known
    spoil(notice)
    return notice, an_order(account)


def run(*options: str) -> str:
    out = StringIO()
    call_command("inbound_replay", *options, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_each_examination_leaves_a_reading_with_the_keys_that_judged_it(account: AmazonAccount) -> None:
    order = an_order(account)
    notice = take_in(account)
    reading = NoticeReading.objects.get(notice=notice)
    assert (reading.kind, reading.grade, reading.status) == ("opt_out", "A1", "applied")
    assert reading.order_key == order.order_key and reading.fingerprint == notice.fingerprint
    assert reading.evidence["answers"]["test._domainkey.amazon.com."].startswith("v=DKIM1")
    assert reading.parser == readings.parser_version() and "@" not in str(reading.evidence)
    Notice.objects.update(look_at=NOW)
    intake.process(notice.pk, resolver=FakeDns(), now=NOW)
    assert NoticeReading.objects.count() == 2


@pytest.mark.parametrize("junk", ["\0", "\udcff\0", "\x1b", "é"])
def test_a_key_record_with_junk_in_it_is_no_key_and_can_be_written_down(junk: str, account: AmazonAccount) -> None:
    order = an_order(account)
    notice = take_in(account, dns=FakeDns(records={AMAZON.name: AMAZON.record + junk}))
    assert notice.attempts == 1 and notice.grade == "D" and not is_suppressed(order)
    assert NoticeReading.objects.get().evidence["answers"] == {AMAZON.name: None}
    [finding] = intake.read(
        notice, intake.raw_of(notice), intake.Surroundings(), resolver=readings.kept_keys(notice)
    )
    assert finding.grade == notice.grade


@pytest.mark.parametrize(
    "attack", [lambda: NoticeReading.objects.update(grade="A1"), lambda: NoticeReading.objects.all().delete()]
)
def test_the_database_itself_refuses_to_change_a_reading(attack, account: AmazonAccount) -> None:
    take_in(account)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        attack()


def test_readings_outlive_their_seller(account: AmazonAccount) -> None:
    take_in(account)
    Seller.objects.filter(pk=account.seller_id).delete()
    assert NoticeReading.objects.count() == 1


def waiting(now: datetime) -> list[int]:
    return list(Notice.objects.filter(look_at__lte=now).values_list("pk", flat=True))


def test_a_verdict_is_proved_again_with_the_key_that_was_kept(account: AmazonAccount) -> None:
    an_order(account)
    notice = take_in(account)
    Notice.objects.filter(pk=notice.pk).update(evidence={})
    kept = readings.kept_keys(notice)
    [finding] = intake.read(notice, intake.raw_of(notice), intake.Surroundings(), resolver=kept)
    assert finding.grade == "A1"
    with pytest.raises(DnsTrouble):
        kept.txt("other._domainkey.amazon.com.")


def test_a_dry_run_prints_the_difference_and_changes_nothing(account: AmazonAccount) -> None:
    notice, order = misread(account)
    assert run("--dry-run") == f"notice {notice.pk}: other_amazon -> opt_out A1 it-2026 (upgrade)\n"
    notice.refresh_from_db()
    assert notice.status == "ignored" and not is_suppressed(order)


def test_an_upgrade_is_applied_once(account: AmazonAccount) -> None:
    notice, order = misread(account)
    assert "(applied)" in run()
    notice.refresh_from_db()
    assert (notice.status, notice.grade) == ("applied", "A1") and is_suppressed(order)
    assert run() == ""


def test_what_would_be_less_now_is_shown_and_left(account: AmazonAccount) -> None:
    order = an_order(account)
    mailbox = addresses.saw_mailbox(account.seller_id, MAILBOX, now=NOW)
    addresses.confirm_mailbox(account.seller, mailbox.pk, by=make_member(account.seller), now=NOW)
    notice = take_in(account, mail_to(MAILBOX))
    mailbox.__class__.objects.update(confirmed_at=None)
    before = list(Suppression.objects.order_by("pk").values())
    assert "opt_out A2 it-2026 -> opt_out A3 it-2026 (not an upgrade: left as it is)" in run()
    notice.refresh_from_db()
    assert notice.grade == "A2" and is_suppressed(order)
    assert list(Suppression.objects.order_by("pk").values()) == before


def test_only_the_chosen_notices_are_read(account: AmazonAccount) -> None:
    misread(account)
    assert run("--kind=opt_out") == run("--status=quarantined") == run("--since=2099-01-01") == ""
    assert run("--kind=other_amazon", "--status=ignored", "--since=2026-01-01", "--dry-run")


def test_a_revoked_entry_does_not_come_back_by_reading_the_old_mail_again(account: AmazonAccount) -> None:
    notice, order = misread(account)
    run()
    Suppression.objects.update(state=Suppression.State.REVOKED, changed_at=NOW + timedelta(days=1))
    spoil(notice)
    assert "(applied)" in run()
    assert not is_suppressed(order)


def test_a_promoted_template_has_its_notices_read_again_and_others_are_no_templates(account: AmazonAccount) -> None:
    notice = take_in(account)
    Notice.objects.filter(pk=notice.pk).update(status="quarantined", template="de-shadow", look_at=None)
    notice.refresh_from_db()
    operator = make_user(is_staff=True)
    assert promotions.promote_templates([notice], by=operator, now=NOW) == (["de-shadow"], 1)
    assert promotions.promoted() == {"de-shadow"} and waiting(NOW) == [notice.pk]
    notice.template = "it-2026"
    assert promotions.promote_templates([notice], by=operator, now=NOW) == ([], 0)
    assert PromotedTemplate.objects.get().promoted_by == operator


def test_an_operator_brings_a_waiting_entry_into_force(account: AmazonAccount) -> None:
    order = an_order(account, written=False)
    take_in(account)
    assert not is_suppressed(order, everywhere=True)
    operator, entries = make_user(is_staff=True), list(Suppression.objects.all())
    assert promotions.bring_into_force(entries, by=operator, reason="seen", now=NOW) == 1
    assert promotions.bring_into_force(entries, by=operator, reason="seen", now=NOW) == 0
    assert is_suppressed(order, everywhere=True)
    event = Suppression.objects.get(seller=None).events.order_by("-id").first()
    assert event and (event.what, event.actor) == ("promoted", f"operator {operator.pk}")


def test_a_parked_notice_is_looked_at_as_soon_as_its_order_is_read(account: AmazonAccount) -> None:
    notice = take_in(account)
    later = NOW + timedelta(hours=1)
    assert notice.status == Notice.Status.PARKED
    an_order(make_account(make_seller("Mallory's shop"), marketplaces=(IT,)))
    assert intake.wake_parked(now=later) == 0 and waiting(later) == []
    order = an_order(account)
    assert intake.wake_parked(now=later) == 1 and waiting(later) == [notice.pk]
    intake.process(notice.pk, resolver=FakeDns(), now=later)
    assert is_suppressed(order) and intake.wake_parked(now=later) == 0


def test_verdicts_are_ranked_by_what_follows_from_them() -> None:
    verdicts = [
        replay.Verdict(*words)
        for words in (("opt_out", "A1", ""), ("opt_out", "D", ""), ("probable_opt_out", "", ""), ("forged", "X", ""))
    ]
    assert sorted(verdicts, key=lambda verdict: verdict.rank) == verdicts
    assert not replay.Difference(1, verdicts[1], replay.Verdict("restricted", "A1", "")).is_upgrade
