"""What a seller does to a campaign: begin, change, activate, pause."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from django.db import transaction

from accounts.models import Seller
from campaigns.models import Campaign, Rule, Template
from messaging.models import Channel
from orders.attention import ask_for_plans
from orders.models import Order

REVIEW_REQUEST: Final = "Feedback and review request"
CHECK_IN: Final = "Order check-in"

# One template a language: Amazon wants the buyer's own, the order id, and an honest, unconditional question.
CHECK_IN_TEMPLATES: Final[dict[str, tuple[str, str]]] = {
    "en": (
        "How was your order {{ order_id }}?",
        "Hello,\n\nYour order {{ order_id }} from {{ store_name }} should have arrived: {{ product_title_short }}.\n\n"
        "If something is not right with it, please answer this message, and we will put it right.\n\n"
        "We would be glad if you told other customers what you think of it, whatever that is: {{ order_link }}\n\n"
        "Kind regards\n{{ store_name }}",
    ),
    "it": (
        "Il tuo ordine {{ order_id }}",
        "Ciao,\n\nil tuo ordine {{ order_id }} da {{ store_name }} dovrebbe essere arrivato: {{ product_title_short }}."
        "\n\nSe qualcosa non va, rispondi a questo messaggio e troveremo una soluzione.\n\n"
        "Ci farebbe piacere sapere che cosa ne pensi, qualunque sia la tua opinione: {{ order_link }}\n\n"
        "Cordiali saluti\n{{ store_name }}",
    ),
    "de": (
        "Ihre Bestellung {{ order_id }}",
        "Guten Tag,\n\nIhre Bestellung {{ order_id }} bei {{ store_name }} sollte angekommen sein: "
        "{{ product_title_short }}.\n\nWenn damit etwas nicht stimmt, antworten Sie bitte auf diese Nachricht; wir "
        "kümmern uns darum.\n\nWir freuen uns über Ihre ehrliche Bewertung, wie auch immer sie ausfällt: "
        "{{ order_link }}\n\nFreundliche Grüße\n{{ store_name }}",
    ),
    "fr": (
        "Votre commande {{ order_id }}",
        "Bonjour,\n\nVotre commande {{ order_id }} chez {{ store_name }} devrait être arrivée : "
        "{{ product_title_short }}.\n\nSi quelque chose ne va pas, répondez à ce message et nous trouverons une "
        "solution.\n\nVotre avis, quel qu'il soit, nous intéresse : {{ order_link }}\n\nCordialement\n{{ store_name }}",
    ),
    "es": (
        "Tu pedido {{ order_id }}",
        "Hola:\n\nTu pedido {{ order_id }} de {{ store_name }} debería haber llegado: {{ product_title_short }}.\n\n"
        "Si algo no está bien, responde a este mensaje y lo solucionaremos.\n\n"
        "Nos gustaría conocer tu opinión, sea cual sea: {{ order_link }}\n\nUn saludo\n{{ store_name }}",
    ),
}


def create_default_campaigns(seller: Seller, *, now: datetime) -> list[Campaign]:
    """The two campaigns with which every seller begins, as drafts. Idempotent."""
    ask_for_plans(Order.objects.for_seller(seller), now=now)
    request, _ = Campaign.objects.get_or_create(
        seller=seller,
        name=REVIEW_REQUEST,
        defaults={"channel": Channel.REQUEST_REVIEW, "priority": 20, "delay_days": 7, "created_at": now},
    )
    check_in, is_new = Campaign.objects.get_or_create(
        seller=seller,
        name=CHECK_IN,
        defaults={"channel": Channel.BUYER_EMAIL, "priority": 10, "delay_days": 2, "created_at": now},
    )
    if is_new:
        Rule.objects.create(seller=seller, campaign=check_in, kind=Rule.Kind.FULFILLED_BY, value="merchant")
        Template.objects.bulk_create(
            Template(seller=seller, campaign=check_in, language=language, subject=subject, body=body)
            for language, (subject, body) in CHECK_IN_TEMPLATES.items()
        )
    return [request, check_in]


@dataclass(frozen=True, slots=True)
class Change:
    """What the page lets a seller change of a campaign."""

    name: str
    delay_days: int
    send_at: time | None
    is_active: bool


def change(campaign: Campaign, wanted: Change, *, now: datetime) -> None:
    """Apply a change; every decision of this seller is then made anew by planning, and pending messages follow it."""
    campaign.name, campaign.delay_days, campaign.send_at = wanted.name, wanted.delay_days, wanted.send_at
    if wanted.is_active and campaign.status != Campaign.Status.ACTIVE:
        campaign.status, campaign.activated_at = Campaign.Status.ACTIVE, now
    elif not wanted.is_active and campaign.status == Campaign.Status.ACTIVE:
        campaign.status = Campaign.Status.PAUSED
    campaign.changed_at = now
    with transaction.atomic():
        campaign.save()
        ask_for_plans(Order.objects.for_seller(campaign.seller), now=now)
