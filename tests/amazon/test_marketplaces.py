"""The table of marketplaces, held against the package's and against the zones of this machine."""

from zoneinfo import ZoneInfo

import pytest
from sp_api.base import Marketplaces

from amazon import marketplaces
from amazon.marketplaces import ALIAS_DOMAINS, ENDPOINTS, MARKETPLACES, Marketplace, Region
from tests.amazon.scripted import ITALY, ORDER, query_of


def test_every_marketplace_of_the_package_is_known_with_the_same_end_point() -> None:
    theirs = {marketplace.marketplace_id: marketplace.endpoint for marketplace in Marketplaces}
    ours = {marketplace.id: ENDPOINTS[marketplace.region] for marketplace in MARKETPLACES}
    assert ours == theirs


def test_ids_countries_and_domains_are_unique() -> None:
    for facts in zip(*((shop.id, shop.country, shop.domain) for shop in MARKETPLACES), strict=True):
        assert len(set(facts)) == len(MARKETPLACES) == 23


@pytest.mark.parametrize("shop", MARKETPLACES, ids=lambda shop: shop.country)
def test_every_marketplace_has_a_real_time_zone_and_whole_facts(shop: Marketplace) -> None:
    assert ZoneInfo(shop.time_zone)
    assert shop.locale == f"{shop.language}-{shop.country}"
    assert len(shop.currency) == 3 and shop.currency.isupper()
    assert shop.seller_central.startswith("sellercentral")


def test_the_italian_shop_reads_as_a_person_would_write_it() -> None:
    shop = marketplaces.by_id(ITALY)
    assert (shop.name, shop.domain, shop.alias_domain) == ("Amazon.it", "amazon.it", "marketplace.amazon.it")
    assert (shop.language, shop.time_zone, shop.currency) == ("it", "Europe/Rome", "EUR")
    assert shop.seller_central == "sellercentral-europe.amazon.com"


def test_an_unknown_id_is_none_to_who_asks_and_an_error_to_who_relies_on_it() -> None:
    assert marketplaces.find("A000UNKNOWN") is None
    with pytest.raises(marketplaces.UnknownMarketplace):
        marketplaces.by_id("A000UNKNOWN")


def test_regions_share_out_all_marketplaces() -> None:
    assert {region: len(marketplaces.in_region(region)) for region in Region} == {"NA": 4, "EU": 16, "FE": 3}


def test_an_alias_domain_is_compared_as_a_whole() -> None:
    assert "marketplace.amazon.co.uk" in ALIAS_DOMAINS
    assert "marketplace.amazon.com.evil.example" not in ALIAS_DOMAINS
    assert "amazon.com" not in ALIAS_DOMAINS


def test_the_pages_for_the_buyer_are_those_of_the_buyers_own_shop() -> None:
    shop = marketplaces.by_id(ITALY)
    assert marketplaces.order_url(shop, ORDER) == f"https://www.amazon.it/gp/your-account/order-details?orderID={ORDER}"
    contact = marketplaces.contact_url(shop, "A1&b=2", ORDER)
    assert contact.startswith("https://www.amazon.it/ss/help/contact/?")
    assert query_of(contact)["sellerID"] == ["A1&b=2"]
    assert query_of(contact)["orderID"] == [ORDER]
