"""The selling partners of the demo: three sound ones, one for a visitor, and one with three accounts in trouble."""

from typing import Any

US, IT, DE, GB = "ATVPDKIKX0DER", "APJ6JRA9NG5V4", "A1PA6795UKMFR9", "A1F83G8C2ARO7P"
AU = "A39IBJ37TRP1C6"

LAKESIDE_ID = "A1LAKESIDE0US1"
BOTTEGA_ID = "A2BOTTEGACH1EU"
PENNINE_ID = "A3PENNINEP4NUK"
HARBOUR_ID = "A4HARBOURL4NUS"
CORAL_US_ID = "A5CORALT1DE0US"
CORAL_UK_ID = "A6CORALT1DE0UK"
CORAL_AU_ID = "A7CORALT1DE0AU"

ACCOUNTS: tuple[dict[str, Any], ...] = (
    {
        "selling_partner_id": LAKESIDE_ID,
        "store_name": "Lakeside Outfitters",
        "seller_name": "Lakeside Outfitters LLC",
        "marketplace_ids": [US],
        "language": "en",
        "mode": "gmail",
        "mailbox": "lakeside.outfitters@gmail.com",
        "approved_senders": ["lakeside-outfitters@send.feedbackfive.example"],
        "refresh_token": "Atzr|simulated-grant-of-lakeside-outfitters",
    },
    {
        "selling_partner_id": BOTTEGA_ID,
        "store_name": "Bottega Chiaro",
        "seller_name": "Bottega Chiaro S.r.l.",
        "marketplace_ids": [IT, DE],
        "language": "it",
        "mode": "direct",
        "mailbox": "ordini@bottega-chiaro.example",
        "approved_senders": ["bottega-chiaro@send.feedbackfive.example"],
        "refresh_token": "Atzr|simulated-grant-of-bottega-chiaro",
    },
    {
        "selling_partner_id": PENNINE_ID,
        "store_name": "Pennine Pantry",
        "seller_name": "Pennine Pantry Ltd",
        "marketplace_ids": [GB],
        "language": "en",
        "mode": "gmail",
        "mailbox": "pennine.pantry.orders@gmail.com",
        "approved_senders": ["pennine-pantry@send.feedbackfive.example"],
        "refresh_token": "Atzr|simulated-grant-of-pennine-pantry",
    },
    {
        # Nobody has connected this one yet: it is for a visitor who signs up and plays a new seller.
        "selling_partner_id": HARBOUR_ID,
        "store_name": "Harbour Lane Paper",
        "seller_name": "Harbour Lane Paper Co.",
        "marketplace_ids": [US],
        "language": "en",
        "mode": "none",
        "mailbox": "harbour.lane.paper@gmail.com",
        "approved_senders": ["harbour-lane@send.feedbackfive.example"],
        "refresh_token": "Atzr|simulated-grant-of-harbour-lane-paper",
    },
    # One seller, an account in each region, and each in trouble in a way of its own: see `world.troubled`.
    {
        "selling_partner_id": CORAL_US_ID,
        "store_name": "Coral Tide",
        "seller_name": "Coral Tide Swimwear Ltd",
        "marketplace_ids": [US],
        "language": "en",
        "mode": "direct",
        "mailbox": "us@coral-tide.example",
        "approved_senders": ["coral-tide-us@send.feedbackfive.example"],
        "refresh_token": "Atzr|simulated-grant-of-coral-tide-us",
    },
    {
        "selling_partner_id": CORAL_UK_ID,
        "store_name": "Coral Tide UK",
        "seller_name": "Coral Tide Swimwear Ltd",
        "marketplace_ids": [GB],
        "language": "en",
        "mode": "direct",
        "mailbox": "uk@coral-tide.example",
        "approved_senders": ["coral-tide-uk@send.feedbackfive.example"],
        "refresh_token": "Atzr|simulated-grant-of-coral-tide-uk",
    },
    {
        "selling_partner_id": CORAL_AU_ID,
        "store_name": "Coral Tide Australia",
        "seller_name": "Coral Tide Swimwear Ltd",
        "marketplace_ids": [AU],
        "language": "en",
        "mode": "direct",
        "mailbox": "au@coral-tide.example",
        "approved_senders": ["coral-tide-au@send.feedbackfive.example"],
        "refresh_token": "Atzr|simulated-grant-of-coral-tide-australia",
    },
)
