"""What every seller begins with: two campaigns, as drafts, with honest letters in five languages."""

from datetime import datetime
from typing import Final

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


SENSIBLE: Final = ((Rule.Kind.REPLACEMENT, Rule.Operator.IS_NOT), (Rule.Kind.CANCELLATION_ASKED, Rule.Operator.IS_NOT))


def create_default_campaigns(seller: Seller, *, now: datetime) -> list[Campaign]:
    """The two campaigns with which every seller begins, as drafts. Idempotent."""
    ask_for_plans(Order.objects.for_seller(seller), now=now)
    request, is_request_new = Campaign.objects.get_or_create(
        seller=seller,
        name=REVIEW_REQUEST,
        defaults={"channel": Channel.REQUEST_REVIEW, "priority": 20, "delay_days": 7, "created_at": now},
    )
    check_in, is_check_in_new = Campaign.objects.get_or_create(
        seller=seller,
        name=CHECK_IN,
        defaults={"channel": Channel.BUYER_EMAIL, "priority": 10, "delay_days": 2, "created_at": now},
    )
    for campaign in [request] * is_request_new + [check_in] * is_check_in_new:
        for kind, operator in SENSIBLE:
            Rule.objects.create(seller=seller, campaign=campaign, kind=kind, operator=operator)
    if is_check_in_new:
        Rule.objects.create(seller=seller, campaign=check_in, kind=Rule.Kind.FULFILLED_BY, values=["merchant"])
        Template.objects.bulk_create(
            Template(seller=seller, campaign=check_in, language=language, subject=subject, body=body)
            for language, (subject, body) in CHECK_IN_TEMPLATES.items()
        )
    return [request, check_in]
