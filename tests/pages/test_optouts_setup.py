"""The page that sets the way of the notices up: addresses, recipes, the test, mailboxes, and what is wrong."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import AccountMarketplace, Seller
from accounts.rowsecurity import across_sellers
from amazon.marketplaces import MARKETPLACES
from optouts import recipes, setup, silence, watching
from optouts.addresses import full_address, open_address
from optouts.examination import Finding
from optouts.models import ForwardingRequest, InboundAddress, NoticeTest, SellerMailbox
from optouts.reasons import Kind, Reason
from optouts.setup_mails import Confirmation
from optouts.standing import standing_of
from tests.makers import DE, IT, US, make_account, make_address, make_forwarding, make_notice

PAGE = "/opt-outs/set-up/"


def page(client: Client, address: str = PAGE, **asked: str) -> str:
    response = client.get(address, asked)
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.fixture
def places(seller: Seller) -> list[AccountMarketplace]:
    account = make_account(seller, marketplaces=(IT, DE))
    make_account(seller, marketplaces=(US,))
    with across_sellers("test"):
        return list(account.marketplaces.order_by("id"))


def make_quiet(seller: Seller, *, sent: int = 4200) -> None:
    """The watch of this seller says that about 30 notices are missing."""
    since = timezone.now() - timedelta(days=6)
    figures = watching.Figures(sent, since, False, silence.Record(100, 5), silence.Record(1000, 7))
    with across_sellers("test"):
        watching.record_watch(seller.pk, figures, now=timezone.now())


def test_each_marketplace_leads_to_its_own_seller_central_and_gets_its_own_address_on_demand(
    bob: Client, vera: Client, seller: Seller, places: list[AccountMarketplace]
) -> None:
    shown = page(bob)
    assert "https://sellercentral-europe.amazon.com/notifications/preferences" in shown
    assert "https://sellercentral.amazon.com/notifications/preferences" in shown
    assert "Make the address for Amazon.it" in shown and "Make the address" not in page(vera)

    bob.post(f"{PAGE}places/{places[0].pk}/")
    bob.post(f"{PAGE}places/{places[0].pk}/")

    with across_sellers("test"):
        made = InboundAddress.objects.get(seller=seller)
        assert (made.account_id, made.marketplace_id) == (places[0].account_id, IT)
        address = full_address(made)
    assert address in page(vera) and "Make the address for Amazon.it" not in page(bob)


def test_every_marketplace_has_a_deep_link_on_https() -> None:
    assert {recipes.notification_page(place).partition("/n")[0] for place in MARKETPLACES} == {
        f"https://{place.seller_central}" for place in MARKETPLACES
    }


def test_every_provider_has_a_recipe_and_microsofts_tells_the_administrator_what_to_do(vera: Client) -> None:
    shown = page(vera)
    names = "Gmail, Google Workspace, Outlook.com, Microsoft 365, Yahoo Mail, iCloud Mail, Zoho Mail, Fastmail, cPanel"
    assert [name for name in names.split(", ") if name not in shown] == []
    assert "550 5.7.520 Access denied, Your organization does not allow external forwarding." in shown
    assert "On – Forwarding is enabled" in shown
    assert "Zoho switches a forwarding off by itself" in shown and "We refuse mail of more than 1 MB" in shown
    assert "If Amazon writes to a group" in shown
    assert "Forward as an attachment instead" in shown


def test_a_test_is_mailed_and_the_card_waits_for_it(alice: Client, seller: Seller) -> None:
    response = alice.post(f"{PAGE}test/", {"test-mailbox": "Orders@Shop.example"})

    assert response.status_code == 302 and mail.outbox[0].to == ["orders@shop.example"]
    shown = page(alice)
    assert "A test notice is on its way to orders@shop.example" in shown
    assert 'hx-trigger="every 3s"' in shown


@pytest.mark.parametrize(
    "mailbox",
    ["", "nobody", "x7c2m9q4t1w8z5b@marketplace.amazon.it", "a@b.example\r\nBcc: c@d.example", "ä@shop.example"],
)
def test_no_test_is_mailed_to_a_buyer_or_to_what_is_no_mailbox(alice: Client, mailbox: str) -> None:
    assert alice.post(f"{PAGE}test/", {"test-mailbox": mailbox}).status_code == 422
    assert mail.outbox == []


def test_too_many_tests_are_refused_in_words(alice: Client) -> None:
    answers = [alice.post(f"{PAGE}test/", {"test-mailbox": "orders@shop.example"}).status_code for _ in range(6)]
    assert answers == [302] * setup.MOST_AN_HOUR + [422] and len(mail.outbox) == setup.MOST_AN_HOUR


def test_the_card_answers_nothing_while_nothing_changes_and_anew_when_the_test_is_back(
    vera: Client, alice: Client, seller: Seller
) -> None:
    alice.post(f"{PAGE}test/", {"test-mailbox": "orders@shop.example"})
    with across_sellers("test"):
        seen = standing_of(seller, now=timezone.now()).seen
    assert vera.get(f"{PAGE}state/", {"seen": seen}).status_code == 204

    with across_sellers("test"):
        NoticeTest.objects.update(result="intact", arrived_at=timezone.now())
    shown = page(vera, f"{PAGE}state/", seen=seen)

    assert "Intact: Amazon&#x27;s signature would survive" in shown and "tone-good" in shown
    assert "hx-trigger" not in shown  # it has come: no more asking


def test_a_changed_test_sends_the_seller_the_direct_way(alice: Client) -> None:
    alice.post(f"{PAGE}test/", {"test-mailbox": "orders@shop.example"})
    with across_sellers("test"):
        NoticeTest.objects.update(result="changed", arrived_at=timezone.now())
    shown = page(alice)
    assert "your mailbox breaks signatures" in shown and "Use the direct way" in shown


def test_an_overdue_test_says_what_may_be_missing(alice: Client) -> None:
    alice.post(f"{PAGE}test/", {"test-mailbox": "orders@shop.example"})
    with across_sellers("test"):
        NoticeTest.objects.update(sent_at=timezone.now() - timedelta(minutes=5))
    shown = page(alice)
    assert "has not come back" in shown and "If it lies under spam there" in shown


def test_a_providers_question_is_shown_with_its_link_to_those_who_may_press_it(
    bob: Client, vera: Client, mallory: Client, seller: Seller
) -> None:
    make_address(seller)
    row = make_forwarding(seller)
    for client in (bob, vera):
        assert "Gmail account alice.shop@gmail.com asks to forward here." in page(client)
    assert "Gmail account alice.shop@gmail.com" in page(bob, "/opt-outs/")  # on the card as well
    link = 'href="https://mail.google.com/mail/vf-abcdefgh12" target="_blank" rel="noopener noreferrer"'
    assert link in page(bob) and "vf-" not in page(vera) and "alice.shop" not in page(mallory)

    assert mallory.post(f"{PAGE}forwarding/{row.pk}/done/").status_code == 404
    bob.post(f"{PAGE}forwarding/{row.pk}/done/")
    assert "asks to forward here" not in page(bob)
    with across_sellers("test"):
        assert ForwardingRequest.objects.get().done_at is not None


def test_the_link_of_an_unknown_provider_is_text_and_a_hostile_one_too(bob: Client, seller: Seller) -> None:
    notice = make_notice(seller)
    asked = Confirmation(None, "123456", "bob@shop.example", "", 'https://evil.example/"><script>x')
    finding = Finding(Kind.FORWARDING_CONFIRMATION, None, Reason.FORWARDING_REQUEST, confirmation=asked)
    with across_sellers("test"):
        setup.keep_confirmation(notice, finding, now=timezone.now())

    shown = page(bob)

    assert "A mail provider account bob@shop.example asks to forward here." in shown and "123456" in shown
    assert '<code class="wrap">https://evil.example/&quot;&gt;&lt;script&gt;x</code>' in shown
    assert 'href="https://evil' not in shown


def test_the_owner_registers_a_mailbox_and_it_counts_at_once(alice: Client, bob: Client, seller: Seller) -> None:
    assert bob.post(f"{PAGE}mailboxes/", {"mine-mailbox": "orders@shop.example"}).status_code == 403
    assert (
        "is registered as yours"
        in alice.post(f"{PAGE}mailboxes/", {"mine-mailbox": "orders@shop.example"}, follow=True).content.decode()
    )
    with across_sellers("test"):
        assert SellerMailbox.objects.get(seller=seller).confirmed_at is not None


def test_an_address_is_replaced_by_the_owner_who_reads_first_what_happens(
    alice: Client, bob: Client, seller: Seller
) -> None:
    with across_sellers("test"):
        old = open_address(seller)
        former = full_address(old)
    assert "Mail to the old one is taken for 90 days more" in page(alice)
    assert "Replace this address" not in page(bob)

    shown = alice.post(f"{PAGE}addresses/{old.pk}/replace/", follow=True).content.decode()

    assert "The new address is in force" in shown and "No mail since it was replaced" in shown and former in shown
    assert alice.post(f"{PAGE}addresses/{old.pk}/replace/").status_code == 404
    assert f'value="{former}"' not in page(alice, "/opt-outs/")
    with across_sellers("test"):
        InboundAddress.objects.filter(pk=old.pk).update(replaced_at=timezone.now() - timedelta(days=1))
    make_notice(seller, address=old, received_at=timezone.now())
    assert "Mail still comes here" in page(alice)


def test_silence_is_said_on_the_dashboard_the_list_and_the_page_with_what_is_wrong(
    alice: Client, mallory: Client, seller: Seller
) -> None:
    make_quiet(seller)
    sentence = "4,200 sent, about 210 notices expected, none so far"
    for address in ("/", "/opt-outs/", PAGE):
        assert sentence in page(alice, address), address
        assert sentence not in page(mallory, address), address
    assert "neither Amazon nor a mailbox has it yet" in page(alice)


def test_where_all_is_as_expected_there_is_no_banner(alice: Client, seller: Seller) -> None:
    make_quiet(seller, sent=3)
    assert "expected, none" not in page(alice, "/") and "expected, none" not in page(alice, "/opt-outs/")
    assert "As expected" in page(alice)


def test_the_page_of_a_seller_who_has_nothing_yet_says_what_to_do(alice: Client) -> None:
    response: Any = alice.get(PAGE)
    shown = response.content.decode()
    assert (
        "Connect an Amazon account first" in shown and "Get your address" in shown and "Nothing received yet" in shown
    )
