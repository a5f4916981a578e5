"""What orders are decided on, read from the tables: once for a batch, by planning, and by whoever asks "Why?"."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from accounts.manyrows import among
from accounts.models import AccountMarketplace
from amazon.marketplaces import find
from campaigns.competing import Contender, Live
from campaigns.eligibility import Standing
from campaigns.exclusions import excluded_among
from campaigns.models import Campaign, FollowUp
from campaigns.terms import contenders_among
from messaging import outbox
from messaging.models import Message, Purpose
from optouts import gate
from orders.facts import OrderFacts
from orders.models import Order
from orders.reading import facts_of_many


class Places:
    """The marketplaces of one seller's accounts, and what is the same for all orders of each, made once."""

    def __init__(self, seller_id: int) -> None:
        rows = AccountMarketplace.objects.filter(seller_id=seller_id)
        self._places = {(place.account_id, place.marketplace_id): place for place in rows}
        self._plain: dict[tuple[int, str], Standing] = {}

    def standing_at(
        self, account_id: int, marketplace_id: str, *, suppressed: str | None, excluded: str | None
    ) -> Standing:
        key = (account_id, marketplace_id)
        plain = self._plain.get(key)
        if plain is None:
            plain = self._plain[key] = _plain_standing(marketplace_id, self._places.get(key))
        if suppressed is None and excluded is None:
            return plain
        return replace(plain, suppressed=suppressed, excluded=excluded)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """For one batch of orders of one seller."""

    campaigns: dict[int, Campaign]
    contenders: list[Contender]
    places: Places
    facts: dict[int, OrderFacts]  # by order
    messages: dict[int, Message]  # the one live message, by order
    follow_ups: dict[tuple[int, int], FollowUp]  # what was decided before, by order and campaign
    suppressed: dict[int, str]  # by order
    excluded: dict[int, str]  # by order

    def standing_of(self, order: Order) -> Standing:
        suppressed, excluded = self.suppressed.get(order.pk), self.excluded.get(order.pk)
        return self.places.standing_at(
            order.account_id, order.marketplace_id, suppressed=suppressed, excluded=excluded
        )

    def live_of(self, order: Order) -> Live | None:
        message = self.messages.get(order.pk)
        if message is None:
            return None
        return Live(message.title, message.status not in outbox.WAITING, self.owner_of(message))

    def owner_of(self, message: Message) -> int | None:
        return next(
            (
                campaign.pk
                for campaign in self.campaigns.values()
                if (known := self.follow_ups.get((message.order_id, campaign.pk))) and known.message_id == message.pk
            ),
            None,
        )


def _plain_standing(marketplace_id: str, place: AccountMarketplace | None) -> Standing:
    """Of an order that is on no list."""
    marketplace = find(marketplace_id)
    return Standing(
        time_zone=marketplace.time_zone if marketplace else "UTC",
        language=marketplace.language if marketplace else "",
        is_marketplace_used=bool(place and place.is_used and marketplace),
        has_sender=bool(place and place.approved_sender),
        store_name=place.store_name if place else "",
    )


def look_around(seller_id: int, orders: Sequence[Order]) -> Surroundings:
    """About a dozen queries for any number of orders."""
    ids = [order.pk for order in orders]
    facts = facts_of_many(orders)
    campaigns = list(
        Campaign.objects.filter(seller_id=seller_id)
        .exclude(status=Campaign.Status.ARCHIVED)
        .prefetch_related("templates")
    )
    of_campaigns = Message.objects.filter(purpose=Purpose.CAMPAIGN)
    messages = of_campaigns.filter(order__in=among(ids), frees_order=False).defer("letter_sealed")
    return Surroundings(
        campaigns={campaign.pk: campaign for campaign in campaigns},
        contenders=contenders_among(campaigns),
        places=Places(seller_id),
        facts=facts,
        messages={message.order_id: message for message in messages},
        follow_ups={(row.order_id, row.campaign_id): row for row in FollowUp.objects.filter(order__in=among(ids))},
        suppressed=gate.suppressed_orders(seller_id, ids),
        excluded=excluded_among(seller_id, orders, facts),
    )
