"""The marketplaces that the simulator plays: a small table of its own (AMAZON.md 1.0 and 4.3).

It is kept apart from the product's table on purpose: a wrong id there must be refused here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One marketplace. `region` is the API region (NA, EU, FE), `language` the two letters of its notices."""

    marketplace_id: str
    country: str
    name: str
    region: str
    language: str
    locale: str
    currency: str
    time_zone: str

    @property
    def domain(self) -> str:
        """The shop's domain without `www.`, e.g. `amazon.co.uk`."""
        return self.name.lower()

    @property
    def alias_domain(self) -> str:
        """The domain of the buyers' aliases, e.g. `marketplace.amazon.co.uk`."""
        return f"marketplace.{self.domain}"

    @property
    def notice_domain(self) -> str:
        """The domain that notices come from: Japan's own, else `amazon.com` (INBOUND.md 1.3)."""
        return "amazon.co.jp" if self.country == "JP" else "amazon.com"


PLACES = {
    place.marketplace_id: place
    for place in (
        Place("ATVPDKIKX0DER", "US", "Amazon.com", "NA", "en", "en-US", "USD", "America/Los_Angeles"),
        Place("A2EUQ1WTGCTBG2", "CA", "Amazon.ca", "NA", "en", "en-CA", "CAD", "America/Los_Angeles"),
        Place("A1AM78C64UM0Y8", "MX", "Amazon.com.mx", "NA", "es", "es-MX", "MXN", "America/Mexico_City"),
        Place("A1F83G8C2ARO7P", "GB", "Amazon.co.uk", "EU", "en", "en-GB", "GBP", "Europe/London"),
        Place("A1PA6795UKMFR9", "DE", "Amazon.de", "EU", "de", "de-DE", "EUR", "Europe/Berlin"),
        Place("A13V1IB3VIYZZH", "FR", "Amazon.fr", "EU", "fr", "fr-FR", "EUR", "Europe/Paris"),
        Place("APJ6JRA9NG5V4", "IT", "Amazon.it", "EU", "it", "it-IT", "EUR", "Europe/Rome"),
        Place("A1RKKUPIHCS9HS", "ES", "Amazon.es", "EU", "es", "es-ES", "EUR", "Europe/Madrid"),
        Place("A1805IZSGTT6HS", "NL", "Amazon.nl", "EU", "nl", "nl-NL", "EUR", "Europe/Amsterdam"),
        Place("A2NODRKZP88ZB9", "SE", "Amazon.se", "EU", "sv", "sv-SE", "SEK", "Europe/Stockholm"),
        Place("A1C3SOZRARQ6R3", "PL", "Amazon.pl", "EU", "pl", "pl-PL", "PLN", "Europe/Warsaw"),
        Place("AMEN7PMS3EDWL", "BE", "Amazon.com.be", "EU", "fr", "fr-BE", "EUR", "Europe/Brussels"),
        Place("A1VC38T7YXB528", "JP", "Amazon.co.jp", "FE", "ja", "ja-JP", "JPY", "Asia/Tokyo"),
        Place("A39IBJ37TRP1C6", "AU", "Amazon.com.au", "FE", "en", "en-AU", "AUD", "Australia/Sydney"),
    )
}

ALIAS_DOMAINS = frozenset(place.alias_domain for place in PLACES.values())
