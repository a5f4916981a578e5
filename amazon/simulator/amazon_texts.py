"""The fixed text that a solicitation puts into a buyer's box, in the buyer's language. The wording is our own."""

from amazon.simulator.buyers import Buyer
from amazon.simulator.orders import Order

_TEXTS = {
    "en": (
        "{name}, how was your order from {store}?",
        "Hello {name},\n\nPlease take a moment to rate your purchase from {store} and to review what you bought:\n\n"
        "{items}\n\nOrder {order}\n\nThis request was sent by Amazon. You cannot reply to it.",
    ),
    "it": (
        "{name}, com'è andato il tuo ordine da {store}?",
        "Ciao {name},\n\ndedica un momento a valutare l'acquisto da {store} e a recensire ciò che hai comprato:\n\n"
        "{items}\n\nOrdine {order}\n\nQuesta richiesta è stata inviata da Amazon. Non è possibile rispondere.",
    ),
    "de": (
        "{name}, wie war Ihre Bestellung bei {store}?",
        "Guten Tag {name},\n\nbitte nehmen Sie sich einen Moment, um Ihren Kauf bei {store} zu bewerten:\n\n"
        "{items}\n\nBestellung {order}\n\nDiese Anfrage wurde von Amazon versendet. Antworten sind nicht möglich.",
    ),
    "fr": (
        "{name}, que pensez-vous de votre commande chez {store} ?",
        "Bonjour {name},\n\nprenez un instant pour évaluer votre achat chez {store} et commenter vos articles :\n\n"
        "{items}\n\nCommande {order}\n\nCette demande est envoyée par Amazon. Vous ne pouvez pas y répondre.",
    ),
    "ja": (
        "{name}様、{store}でのご注文はいかがでしたか?",
        "{name}様\n\n{store}でのお買い物と商品の評価をお願いいたします。\n\n{items}\n\n注文 {order}\n\n"
        "このメッセージはAmazonから送信されました。返信はできません。",
    ),
}


def solicitation(order: Order, buyer: Buyer, store_name: str) -> tuple[str, str]:
    """Subject and text of the request for a review; English where the buyer's language has no text here."""
    subject, body = _TEXTS.get(buyer.locale.partition("-")[0], _TEXTS["en"])
    values = {
        "name": buyer.first_name,
        "store": store_name,
        "items": "\n".join(f"- {item.title}" for item in order.items),
        "order": order.order_id,
    }
    return subject.format(**values), body.format(**values)
