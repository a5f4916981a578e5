"""How to bring Amazon's notices here, mailbox by mailbox: a table, in our own words. Facts: INBOUND.md 2.1 and 2.3.

`keeps` is what to expect of Amazon's signature, and a test notice tells for sure. The steps name menus as the providers
call them in English.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from amazon.marketplaces import Marketplace


class Keeps(StrEnum):
    """What a way of forwarding does to Amazon's signature."""

    YES = "Keeps Amazon's signature"
    MOSTLY = "Usually keeps Amazon's signature"
    OFTEN_NOT = "Often breaks Amazon's signature"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One provider. `domains` are the mailbox domains by which we recognise it; `watch_out` may be empty."""

    id: str
    name: str
    keeps: Keeps
    steps: tuple[str, ...]
    watch_out: str = ""
    domains: frozenset[str] = frozenset()


BLOCK_TEXT: Final = (
    "550 5.7.520 Access denied, Your organization does not allow external forwarding. "
    "Please contact your administrator for further assistance. AS(7555)"
)
"""What Exchange Online answers while an organisation blocks forwarding. It goes to the mailbox, never to us."""

_FILTER: Final = "Make a filter for mail from auto-communication@amazon.com"

RECIPES: Final[tuple[Recipe, ...]] = (
    Recipe(
        "gmail", "Gmail", Keeps.YES,
        ("In Gmail's settings open “Forwarding and POP/IMAP” and add your address for notices.",
         "Google asks that address whether it agrees. Its link appears on this page: press it, then Confirm.",
         "Leave forwarding of all mail off. " + _FILTER + ", choose “Forward it to” and pick the address.",
         "Send yourself a test notice on this page."),
        "The mail of Google's may bear no code any more. The link is enough.",
        frozenset({"gmail.com", "googlemail.com"}),
    ),
    Recipe(
        "workspace", "Google Workspace", Keeps.YES,
        ("Do the same as in Gmail, in the mailbox that Amazon writes to.",
         "If forwarding is greyed out, an administrator allows it: Apps, Google Workspace, Gmail, End user access, "
         "“Allow users to automatically forward incoming email”.",
         "Or the administrator adds a routing rule that also delivers these mails to your address, without a "
         "footer and without a change to the subject."),
        "A footer or a subject prefix that your organisation adds breaks Amazon's signature. If Amazon writes to a "
        "group, such as orders@, the group sends its mail on under its own name, and each notice has to wait for a "
        "person: give Seller Central your address for notices instead.",
    ),
    Recipe(
        "outlook", "Outlook.com", Keeps.OFTEN_NOT,
        ("In the settings open Mail, Rules, and add a rule: from auto-communication@amazon.com.",
         "As its action choose “Redirect to” (not “Forward to”) and enter your address for notices.",
         "Send yourself a test notice on this page."),
        "Outlook.com often rewrites what it forwards. If the test says so, use Seller Central's own list.",
        frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com"}),
    ),
    Recipe(
        "m365", "Microsoft 365", Keeps.OFTEN_NOT,
        ("In Outlook make a rule for mail from auto-communication@amazon.com that redirects it (not: forwards it) "
         "to your address for notices.",
         "Microsoft 365 blocks redirection out of the organisation unless an administrator allows it. While it is "
         "blocked, the mailbox gets this answer, and we hear nothing: “" + BLOCK_TEXT + "”",
         "The cure, for an administrator: Microsoft Defender portal, Email & collaboration, Policies & rules, Threat "
         "policies, Anti-spam. Add an outbound policy for this mailbox alone with “Automatic forwarding rules” set to "
         "“On – Forwarding is enabled”. Leave the policy for everybody else as it is.",
         "Some organisations block with a mail flow rule of their own (5.7.1): the administrator exempts this mailbox.",
         "Send yourself a test notice on this page."),
        "Exchange may rewrite what it redirects. If the test says so, use Seller Central's own list.",
    ),
    Recipe(
        "yahoo", "Yahoo Mail", Keeps.MOSTLY,
        ("Forwarding is part of Yahoo's paid plans only.",
         "In the settings open Mailboxes, choose yours, and enter your address for notices under Forwarding.",
         "Yahoo writes to that address. Its link appears on this page: press it.",
         "Send yourself a test notice on this page."),
        "All mail is forwarded, not only Amazon's. We erase what is no notice within a week.",
        frozenset({"yahoo.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.es", "ymail.com", "aol.com"}),
    ),
    Recipe(
        "icloud", "iCloud Mail", Keeps.MOSTLY,
        ("On iCloud.com open Mail, Settings, Rules, and add a rule for mail from auto-communication@amazon.com.",
         "Let it forward to your address for notices. Apple asks nobody to confirm.",
         "Send yourself a test notice on this page."),
        "",
        frozenset({"icloud.com", "me.com", "mac.com"}),
    ),
    Recipe(
        "zoho", "Zoho Mail", Keeps.MOSTLY,
        ("In the settings open Mail accounts, choose yours, and add your address for notices under Email forwarding.",
         "Zoho writes to that address. Its link appears on this page: press it and enter your Zoho password there.",
         "Use it in a filter for mail from auto-communication@amazon.com, and leave forwarding of all mail off.",
         "Send yourself a test notice on this page."),
        "Zoho switches a forwarding off by itself after one refusal, more than ten delays, or a loop. We refuse mail "
        "of more than 1 MB, so let the filter forward Amazon's alone. If notices stop all the same, look here first.",
        frozenset({"zoho.com", "zoho.eu", "zoho.in", "zohomail.com", "zohomail.eu"}),
    ),
    Recipe(
        "fastmail", "Fastmail", Keeps.MOSTLY,
        ("In the settings open Filters & Rules and add a rule for mail from auto-communication@amazon.com.",
         "Choose “Send a copy to” and enter your address for notices.",
         "Send yourself a test notice on this page."),
        "",
        frozenset({"fastmail.com", "fastmail.fm"}),
    ),
    Recipe(
        "cpanel", "cPanel and other hosting", Keeps.YES,
        ("In cPanel open Email Filters for the mailbox and add one: From contains auto-communication@amazon.com.",
         "As actions choose “Redirect to Email” with your address for notices, and “Deliver to Inbox”.",
         "Send yourself a test notice on this page."),
        "A spam filter that writes ***SPAM*** into the subject breaks Amazon's signature: exempt Amazon's mail.",
    ),
)  # fmt: skip

BY_HAND: Final[tuple[str, ...]] = (
    "Forwarding by hand shows us a quotation, and anybody could have typed it. Forward as an attachment instead.",
    "Gmail: mark the notice in the list, then the menu with three dots, “Forward as attachment”.",
    "Apple Mail: Message, “Forward as Attachment”. Thunderbird: Message, Forward As, Attachment.",
    "Outlook changes what it attaches; there, download the notice and upload the file instead.",
    "Several notices may go into one mail.",
)
"""The best way to pass a single notice on, and why."""


def provider_of(mailbox: str) -> Recipe | None:
    """Return the recipe for a mailbox by its domain; None where the domain is the seller's own."""
    domain = mailbox.rpartition("@")[2].lower()
    return next((recipe for recipe in RECIPES if domain in recipe.domains), None)


def notification_page(marketplace: Marketplace) -> str:
    """Return the address of Seller Central's notification preferences for this marketplace."""
    return f"https://{marketplace.seller_central}/notifications/preferences"
