"""What orders are decided on, read from the tables: once for a batch, by planning, and by whoever asks "Why?"."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

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

Places = dict[tuple[int, str], AccountMarketplace]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """For one batch of orders of one seller."""

    campaigns: dict[int, Campaign]
    contenders: list[Contender]
    places: Places
    facts: dict[int, OrderFacts]  # by order
    messages: dict[int, Message]  # the one live message, by order
    follow_ups: dict[tuple[int, int], FollowUp]  # what was decided before, by order and campaign
    suppressed: dict[UUID, str]
    excluded: dict[int, str]  # by order

    def standing_of(self, order: Order) -> Standing:
        keys = (order.order_key, order.alias_key)
        return standing_at(
            order.marketplace_id,
            self.places.get((order.account_id, order.marketplace_id)),
            suppressed=next((self.suppressed[key] for key in keys if key in self.suppressed), None),
            excluded=self.excluded.get(order.pk),
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


def standing_at(
    marketplace_id: str, place: AccountMarketplace | None, *, suppressed: str | None, excluded: str | None
) -> Standing:
    marketplace = find(marketplace_id)
    return Standing(
        time_zone=marketplace.time_zone if marketplace else "UTC",
        language=marketplace.language if marketplace else "",
        is_marketplace_used=bool(place and place.is_used and marketplace),
        has_sender=bool(place and place.approved_sender),
        store_name=place.store_name if place else "",
        suppressed=suppressed,
        excluded=excluded,
    )


def look_around(seller_id: int, orders: Sequence[Order]) -> Surroundings:
    """About a dozen queries for any number of orders. Items should be prefetched."""
    ids = [order.pk for order in orders]
    keys = [key for order in orders for key in (order.order_key, order.alias_key) if key is not None]
    campaigns = list(
        Campaign.objects.filter(seller_id=seller_id)
        .exclude(status=Campaign.Status.ARCHIVED)
        .prefetch_related("templates")
    )
    of_campaigns = Message.objects.filter(purpose=Purpose.CAMPAIGN)
    messages = of_campaigns.filter(order__in=ids, frees_order=False).defer("letter_sealed")
    return Surroundings(
        campaigns={campaign.pk: campaign for campaign in campaigns},
        contenders=contenders_among(campaigns),
        places=places_of(seller_id),
        facts=facts_of_many(orders),
        messages={message.order_id: message for message in messages},
        follow_ups={(row.order_id, row.campaign_id): row for row in FollowUp.objects.filter(order__in=ids)},
        suppressed=gate.suppressed_among(seller_id, keys),
        excluded=excluded_among(seller_id, orders),
    )


def places_of(seller_id: int) -> Places:
    rows = AccountMarketplace.objects.filter(seller_id=seller_id)
    return {(place.account_id, place.marketplace_id): place for place in rows}
