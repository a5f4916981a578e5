"""Amazon's marketplaces: the one table that the rest of the product asks about ids, regions, languages and hosts.

Place in the flow: a pure rule, below everything. It takes an id from Amazon (or from a row) and returns facts; no
network, no clock, no settings.

Sources: ids, regions and end points are Amazon's "Marketplace IDs" and "SP-API Endpoints" pages; Seller Central's hosts
are its "Seller Central URLs" page; the alias domains follow the pattern of those that have been seen
(`marketplace.amazon.com`, `.co.uk`, `.de`, `.co.jp`, `.com.br`, `.com.tr`).
"""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode


class Region(StrEnum):
    """One of Amazon's three regions. An authorisation, and so a refresh token, is valid in exactly one."""

    NA = "NA"
    EU = "EU"
    FE = "FE"


ENDPOINTS: dict[Region, str] = {
    Region.NA: "https://sellingpartnerapi-na.amazon.com",
    Region.EU: "https://sellingpartnerapi-eu.amazon.com",
    Region.FE: "https://sellingpartnerapi-fe.amazon.com",
}


class UnknownMarketplace(KeyError):
    """Amazon, or a row, named a marketplace that is not in the table."""


@dataclass(frozen=True, slots=True)
class Marketplace:
    """One shop of Amazon's.

    `time_zone` is the zone in which a seller's "at ten in the morning" is meant. Where a country has several, it is the
    westernmost with many people, so that a morning there is never night in the east of the country.
    `locale` is a BCP 47 tag, `language` its first part; the buyer's own preference, where known, goes before both.
    """

    id: str
    country: str
    region: Region
    domain: str
    locale: str
    time_zone: str
    currency: str
    seller_central: str

    @property
    def name(self) -> str:
        """The shop's name as buyers know it, like "Amazon.it"."""
        return self.domain.capitalize()

    @property
    def alias_domain(self) -> str:
        """The domain of buyers' aliases in this shop, like "marketplace.amazon.it"."""
        return f"marketplace.{self.domain}"

    @property
    def language(self) -> str:
        """The shop's first language as an ISO 639-1 code."""
        return self.locale.partition("-")[0]


def _shop(
    id: str, country: str, region: Region, domain: str, locale: str, time_zone: str, currency: str, host: str = ""
) -> Marketplace:
    return Marketplace(id, country, region, domain, locale, time_zone, currency, host or f"sellercentral.{domain}")


# Spain, the United Kingdom, France, Germany and Italy share one Seller Central; the others have their own.
_EUROPE = "sellercentral-europe.amazon.com"
_NA, _EU, _FE = Region.NA, Region.EU, Region.FE

MARKETPLACES: tuple[Marketplace, ...] = (
    _shop("ATVPDKIKX0DER", "US", _NA, "amazon.com", "en-US", "America/Los_Angeles", "USD"),
    _shop("A2EUQ1WTGCTBG2", "CA", _NA, "amazon.ca", "en-CA", "America/Vancouver", "CAD"),
    _shop("A1AM78C64UM0Y8", "MX", _NA, "amazon.com.mx", "es-MX", "America/Mexico_City", "MXN"),
    _shop("A2Q3Y263D00KWC", "BR", _NA, "amazon.com.br", "pt-BR", "America/Sao_Paulo", "BRL"),
    _shop("A1RKKUPIHCS9HS", "ES", _EU, "amazon.es", "es-ES", "Europe/Madrid", "EUR", _EUROPE),
    _shop("A1F83G8C2ARO7P", "GB", _EU, "amazon.co.uk", "en-GB", "Europe/London", "GBP", _EUROPE),
    _shop("A13V1IB3VIYZZH", "FR", _EU, "amazon.fr", "fr-FR", "Europe/Paris", "EUR", _EUROPE),
    _shop("AMEN7PMS3EDWL", "BE", _EU, "amazon.com.be", "fr-BE", "Europe/Brussels", "EUR"),
    _shop("A1805IZSGTT6HS", "NL", _EU, "amazon.nl", "nl-NL", "Europe/Amsterdam", "EUR"),
    _shop("A1PA6795UKMFR9", "DE", _EU, "amazon.de", "de-DE", "Europe/Berlin", "EUR", _EUROPE),
    _shop("APJ6JRA9NG5V4", "IT", _EU, "amazon.it", "it-IT", "Europe/Rome", "EUR", _EUROPE),
    _shop("A2NODRKZP88ZB9", "SE", _EU, "amazon.se", "sv-SE", "Europe/Stockholm", "SEK"),
    _shop("A1C3SOZRARQ6R3", "PL", _EU, "amazon.pl", "pl-PL", "Europe/Warsaw", "PLN"),
    _shop("ARBP9OOSHTCHU", "EG", _EU, "amazon.eg", "ar-EG", "Africa/Cairo", "EGP"),
    _shop("A33AVAJ2PDY3EV", "TR", _EU, "amazon.com.tr", "tr-TR", "Europe/Istanbul", "TRY"),
    _shop("A17E79C6D8DWNP", "SA", _EU, "amazon.sa", "ar-SA", "Asia/Riyadh", "SAR"),
    _shop("A2VIGQ35RCS4UG", "AE", _EU, "amazon.ae", "en-AE", "Asia/Dubai", "AED"),
    _shop("A21TJRUUN4KGV", "IN", _EU, "amazon.in", "en-IN", "Asia/Kolkata", "INR"),
    _shop("A28R8C7NBKEWEA", "IE", _EU, "amazon.ie", "en-IE", "Europe/Dublin", "EUR"),
    _shop("AE08WJ6YKNBMC", "ZA", _EU, "amazon.co.za", "en-ZA", "Africa/Johannesburg", "ZAR"),
    _shop("A19VAU5U5O7RUS", "SG", _FE, "amazon.sg", "en-SG", "Asia/Singapore", "SGD"),
    _shop("A39IBJ37TRP1C6", "AU", _FE, "amazon.com.au", "en-AU", "Australia/Sydney", "AUD"),
    _shop("A1VC38T7YXB528", "JP", _FE, "amazon.co.jp", "ja-JP", "Asia/Tokyo", "JPY"),
)

_BY_ID = {marketplace.id: marketplace for marketplace in MARKETPLACES}

ALIAS_DOMAINS: frozenset[str] = frozenset(marketplace.alias_domain for marketplace in MARKETPLACES)
"""Every domain that a buyer's alias may have. Compare for equality, lower-cased: a suffix match would let
`marketplace.amazon.com.evil.example` through."""


def find(id: str) -> Marketplace | None:
    """Return the marketplace with this id, or None. For ids that Amazon says: it may open a shop before we know it."""
    return _BY_ID.get(id)


def by_id(id: str) -> Marketplace:
    """Return the marketplace with this id. For ids from our own rows.

    Raises `UnknownMarketplace` where the table has none.
    """
    try:
        return _BY_ID[id]
    except KeyError:
        raise UnknownMarketplace(id) from None


def in_region(region: Region) -> tuple[Marketplace, ...]:
    """Return the marketplaces that one authorisation in this region can reach, in the table's order."""
    return tuple(marketplace for marketplace in MARKETPLACES if marketplace.region is region)


def order_url(marketplace: Marketplace, order_id: str) -> str:
    """Return the address of the buyer's own page about this order (it asks the buyer to sign in)."""
    query = urlencode({"orderID": order_id})
    return f"https://www.{marketplace.domain}/gp/your-account/order-details?{query}"


def contact_url(marketplace: Marketplace, selling_partner_id: str, order_id: str) -> str:
    """Return the address of Amazon's page where the buyer writes to this seller about this order."""
    query = urlencode(
        {
            "_encoding": "UTF8",
            "marketplaceID": marketplace.id,
            "orderID": order_id,
            "sellerID": selling_partner_id,
        }
    )
    return f"https://www.{marketplace.domain}/ss/help/contact/?{query}"
