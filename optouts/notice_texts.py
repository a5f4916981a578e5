"""The texts in which Amazon says that a buyer has opted out: a rule, and the list of what is attested.

Flow: wording -> [notice_texts] -> parsing. Only wording that was seen in a real mail or quoted word for word stands
here (AMAZON.md 5.1: O1 to O5; INBOUND.md 1.1). A text counts only as a whole sentence with the order id inside it: the
rest of a notice names "feedback" and "reviews", and other mails name other orders.
"""

import re
from dataclasses import dataclass

from optouts.reasons import Kind, Reason
from optouts.wording import normalise

_ID = r"[\[(\"'#]{0,2} ?(?P<id>[0-9]{3}-[0-9]{7}-[0-9]{7}) ?[\])\"']{0,2}"
_ANY_ORDER_ID = re.compile(r"(?<![0-9-])[0-9]{3}-[0-9]{7}-[0-9]{7}(?![0-9-])")
_BLANK = re.compile(r"\s+")
_NEIGHBOURHOOD = 250
_COMPACT_NEIGHBOURHOOD = 100  # without blanks, and with a word in a letter or two, a paragraph is that much shorter


@dataclass(frozen=True, slots=True)
class Phrases:
    """What identifies another mail about a seller's messages: one of the patterns anywhere in its text.

    `is_beside_order`: only beside an order id, if it names any, for every notice explains what a message may hold.
    """

    kind: Kind
    reason: Reason
    patterns: re.Pattern[str]
    is_beside_order: bool = False


OTHER_PHRASES: tuple[Phrases, ...] = (
    Phrases(
        Kind.RESTRICTED,
        Reason.ACCOUNT_RESTRICTED,
        re.compile(
            r"account (?:was|has been|is) (?:temporarily )?restricted from sending|"
            r"restricted from sending (?:any )?(?:proactive|unsolicited)|"
            r"(?:restricted|suspended|removed) your (?:ability|permission|privileges?) to (?:send|contact|message)"
        ),
    ),
    Phrases(
        Kind.BLOCKED_FOR_CONTENT,
        Reason.CONTENT_BLOCKED,
        re.compile(
            r"(?:did not|didn't|does not|not) (?:meet|comply with|follow) the buyer-seller messaging "
            r"(?:communication )?guidelines|violates? (?:the|our) (?:buyer-seller messaging|communication) guidelines"
        ),
    ),
    Phrases(
        Kind.SENDER_NOT_APPROVED,
        Reason.NOT_APPROVED,
        re.compile(
            r"(?:not (?:an? )?(?:approved|authori[sz]ed|registered)|unapproved|unauthori[sz]ed) (?:sender|"
            r"e-?mail address)|"
            r"(?:e-?mail )?address .{0,120}(?:is|was) not (?:approved|authori[sz]ed|registered) .{0,60}(?:send|messag)|"
            r"absender(?:adresse)? .{0,60}nicht (?:zugelassen|genehmigt|autorisiert)"
        ),
    ),
    Phrases(
        Kind.NOT_DELIVERED,
        Reason.ATTACHMENT_REFUSED,
        re.compile(
            r"attachments? .{0,120}(?:not (?:allowed|permitted|supported|deliver)|too large|exceed|virus|removed|"
            r"rejected|refused)|anhang .{0,80}(?:nicht (?:zulässig|erlaubt|zugestellt)|zu groß|zu gross)"
        ),
        is_beside_order=True,
    ),
    Phrases(
        Kind.NOT_DELIVERED,
        Reason.LIMIT_REACHED,
        re.compile(
            r"(?:exceeded|reached) (?:the|your) (?:maximum|daily|limit).{0,80}(?:messag|e-?mail|limit)|"
            r"daily (?:messag\w+|e-?mail) (?:limit|quota)|too many (?:messages|e-?mails)"
        ),
    ),
)
"""AMAZON.md 5.4: N1 and N2 are quoted word for word; for N4, N6 and N7 no wording is known, so these are loose."""


@dataclass(frozen=True, slots=True)
class NoticeText:
    """One attested text. Everything in it is in the spelling of `wording.normalise`.

    `is_compact`: the language writes no blanks, and mail clients add some: compare without any.
    """

    name: str
    language: str
    subjects: tuple[str, ...]
    sentence: re.Pattern[str]
    is_compact: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A sentence found. `is_clear` is false when a second order id stands in or right after the sentence.

    Buyers choose their own names, and a name may hold the sentence.
    """

    text: NoticeText
    order_id: str
    is_clear: bool


ATTESTED: tuple[NoticeText, ...] = (
    NoticeText(
        name="it-2026",
        language="it",
        subjects=("il tuo messaggio all'acquirente non è stato consegnato",),
        sentence=re.compile(
            r"non siamo stati in grado di recapitare il messaggio (?:che hai )?inviato a .{1,80}? "
            r"(?:il [0-9]{4}- ?[0-9]{2}- ?[0-9]{2} )?per l'ordine " + _ID + r" perché l'acquirente ha scelto "
            r"di non ricevere messaggi non richiesti dai venditori"
        ),
    ),
    NoticeText(
        name="en-2017",
        language="en",
        subjects=("your message to a buyer could not be delivered",),
        sentence=re.compile(
            r"we were unable to deliver the message you sent for order " + _ID + r" because the buyer has chosen "
            r"to opt out of receiving unsolicited messages from sellers"
        ),
    ),
    NoticeText(
        name="fr-2018",
        language="fr",
        subjects=("votre message qui était adressé à un acheteur n'a pas pu être transmis",),
        sentence=re.compile(
            r"nous ne sommes pas parvenus à transmettre votre message au sujet de la commande " + _ID +
            r" ?, car l'acheteur a choisi de ne pas recevoir de messages non sollicités de la part des vendeurs"
        ),
    ),
    NoticeText(
        name="ja-2018",
        language="ja",
        subjects=("購入者へのメッセージを送信できませんでした",),
        sentence=re.compile(
            r"購入者が出品者からの未承諾広告メールを受信しないように設定しているため、注文" + _ID +
            r"に関するメッセージを送信できませんでした"
        ),
        is_compact=True,
    ),
)  # fmt: skip


def find(flat: str) -> tuple[Match, ...]:
    """Return every attested sentence in one line of normalised text. Linear in its length."""
    compact = _BLANK.sub("", flat)
    return tuple(match for text in ATTESTED for match in _find(text, compact if text.is_compact else flat))


def by_subject(subject: str) -> tuple[NoticeText, ...]:
    """Return the attested texts that go with a subject line; a final dot does not count."""
    plain = normalise(subject).removesuffix(".").rstrip()
    compact = _BLANK.sub("", plain).removesuffix("。")
    return tuple(text for text in ATTESTED if (compact if text.is_compact else plain) in text.subjects)


def _find(text: NoticeText, flat: str) -> list[Match]:
    found = []
    reach = _COMPACT_NEIGHBOURHOOD if text.is_compact else _NEIGHBOURHOOD
    for match in text.sentence.finditer(flat):
        order_id = match["id"]
        near = _ANY_ORDER_ID.findall(flat[match.start() : match.end() + reach])
        is_clear = all(other == order_id for other in near)
        found.append(Match(text, order_id, is_clear))
    return found
