"""Sellers v1: where the caller sells (AMAZON.md 1.7)."""

from amazon.simulator.places import PLACES
from amazon.simulator.quotas import Plan
from amazon.simulator.selling_partner_api import Answer, Inquiry, Operation


def get_participations(inquiry: Inquiry) -> Answer:
    """The account's marketplaces with its store name in each."""
    inquiry.only()
    payload = []
    for marketplace_id in inquiry.account.marketplace_ids:
        place = PLACES[marketplace_id]
        marketplace = {
            "id": place.marketplace_id,
            "name": place.name,
            "countryCode": place.country,
            "defaultCurrencyCode": place.currency,
            "defaultLanguageCode": place.locale.replace("-", "_"),
            "domainName": f"www.{place.domain}",
        }
        participation = {"isParticipating": True, "hasSuspendedListings": False}
        payload.append(
            {
                "marketplace": marketplace,
                "storeName": inquiry.account.store_name,
                "participation": participation,
            }
        )
    return Answer({"payload": payload})


OPERATIONS = [
    Operation(
        "getMarketplaceParticipations", "GET", "/sellers/v1/marketplaceParticipations", Plan(0.016, 15),
        get_participations,
    )
]  # fmt: skip
