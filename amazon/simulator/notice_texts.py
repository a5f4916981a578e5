"""What Amazon's opt-out notice says, per language.

Attested are the subject and the core sentence (AMAZON.md 5.1 and INBOUND.md 1.1: Italian 2026, English 2017, French
2018, Japanese 2018), and for Italian the hidden preheader and the link with the alias. Every other sentence is our own.
"""

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class NoticeText:
    """One language. `{order}`, `{name}`, `{day}` and `{alias}` are filled in; `preheader` may be empty."""

    subject: str
    preheader: str
    greeting: str
    core: str
    more: tuple[str, ...]
    farewell: str


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """What is filled in: the order, the buyer's first name, the day of the message, his alias."""

    order_id: str
    first_name: str
    day: str
    alias: str


TEXTS = {
    "it": NoticeText(
        subject="Il tuo messaggio all'acquirente non è stato consegnato.",
        preheader="Non siamo stati in grado di recapitare il messaggio inviato a {name} per l'ordine {order} perché "
        "l'acquirente ha scelto di non ricevere messaggi non richiesti dai venditori.",
        greeting="Gentile Venditore,",
        core="non siamo stati in grado di recapitare il messaggio che hai inviato a {name} il {day} per l'ordine "
        "[{order}] perché l'acquirente ha scelto di non ricevere messaggi non richiesti dai venditori.",
        more=(
            "Se il messaggio è indispensabile per completare l'ordine, scrivi [Importante] nell'oggetto della tua "
            '<a href="mailto:{alias}?subject= [Importante]">e-mail all\'acquirente</a> oppure usa Seller Central.',
            "Sono indispensabili: una consegna da concordare, un indirizzo sbagliato.",
            "Non sono indispensabili: richieste di feedback o recensioni, manuali, ringraziamenti.",
        ),
        farewell="Cordialmente,<br>Supporto ai partner di vendita Amazon",
    ),
    "en": NoticeText(
        subject="Your message to a buyer could not be delivered",
        preheader="",
        greeting="Dear Seller,",
        core="We were unable to deliver the message you sent for order [{order}] because the buyer has chosen to opt "
        "out of receiving unsolicited messages from sellers.",
        more=(
            "If there is something that the buyer must know for the order to be completed, write to the buyer from "
            "Manage Orders.",
            "Requests for feedback or reviews, manuals and thanks do not count as such.",
        ),
        farewell="Best regards,<br>Amazon Seller Support",
    ),
    "fr": NoticeText(
        subject="Votre message qui était adressé à un acheteur n'a pas pu être transmis",
        preheader="",
        greeting="Cher vendeur,",
        core="Nous ne sommes pas parvenus à transmettre votre message au sujet de la commande {order}, car l'acheteur "
        "a choisi de ne pas recevoir de messages non sollicités de la part des vendeurs.",
        more=(
            "Si ce message est indispensable au traitement de la commande, écrivez à l'acheteur depuis la page de "
            "gestion des commandes.",
            "Les demandes d'avis, les modes d'emploi et les remerciements ne sont pas indispensables.",
        ),
        farewell="Cordialement,<br>Support aux vendeurs Amazon",
    ),
    "ja": NoticeText(
        subject="購入者へのメッセージを送信できませんでした",
        preheader="",
        greeting="出品者様",
        core="購入者が出品者からの未承諾広告メールを受信しないように設定しているため、注文 {order} に関するメッセージを"
        "送信できませんでした。",
        more=("注文の完了に必要なご連絡は、注文管理の画面からお送りください。",),
        farewell="Amazonセラーサポート",
    ),
}

_HIDDEN = (
    "display:none;font-size:1px;line-height:1px;max-height:0px;max-width:0px;opacity:0;overflow:hidden;mso-hide:all;"
)
_PARAGRAPH = '<p style="font-size: 14px; font-weight: 300; text-align: start;">'


def text_for(language: str) -> NoticeText:
    """The notice in a language; English where none is attested."""
    return TEXTS.get(language, TEXTS["en"])


def html_of(text: NoticeText, facts: NoticeFacts) -> str:
    """The notice's one HTML part: hidden preheader, then one paragraph each."""
    values = {
        "order": escape(facts.order_id),
        "name": escape(facts.first_name),
        "day": escape(facts.day),
        "alias": escape(facts.alias),
    }
    preheader = f'<div style="{_HIDDEN}">\n\t{text.preheader.format(**values)}\n</div>\n' if text.preheader else ""
    paragraphs = [text.greeting, text.core, *text.more, text.farewell]
    body = "\n".join(f"\t{_PARAGRAPH}{paragraph.format(**values)}</p>" for paragraph in paragraphs)
    return (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml">\n<head>\n'
        '<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">\n<title></title>\n</head>\n<body>\n'
        f'{preheader}<table border="0" width="100%">\n<tbody><tr>\n<td align="center" valign="top">\n<h1>\n'
        f"{body}\n</h1>\n</td>\n</tr>\n</tbody></table>\n</body>\n</html>\n"
    )
