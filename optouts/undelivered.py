"""Amazon's other mails about a seller's messages, in words that nobody has attested: a rule, and the stems as data.

Flow: parsing -> [undelivered]. Asked after the phrases of `notice_texts` that are known word for word (English ones),
for Amazon writes in the language of the marketplace, and whoever sells in Germany must not write on because the notice
that stops him came in German. What is found here acts only under Amazon's valid signature, and all that it does is to
stop letters or to tell the seller: no buyer comes upon a list by it.

A restriction is one sentence that names the seller's account, a limit, the sending of messages, and whom they go to. A
sentence that warns of one, or says that it is over, is none. Linear: a text is looked at by its sentences.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from optouts.other_causes import names_another_cause
from optouts.reasons import Kind, Reason
from optouts.shadow_texts import fails, is_about_a_message, surroundings
from optouts.wording import normalise

_STOP: Final = re.compile(r"[.!?](?= )|[。！？]")
_BLANK: Final = re.compile(r"\s+")
_BEFORE, _AFTER = 300, 350
_MOST: Final = 20


def _stems(*stems: str) -> re.Pattern[str]:
    return re.compile("|".join(normalise(item) for item in stems))


_ACCOUNT = _stems(
    r"your (?:\w+ ){0,2}account|your (?:\w+ )?(?:ability|permission|privilege|access)|you (?:can|may) no longer|"
    r"ihr(?:em|es)? (?:[\w-]+ ){0,2}\w{0,12}konto|dein(?:em|es)? \w{0,12}konto|"
    r"votre (?:\w+ ){0,2}compte|vous ne pouvez plus|tuo (?:\w+ )?account|tuoi permessi|non puoi più|"
    r"[ts]u cuenta|ya no puede|[st]ua conta|sua permissão|(?:je|jouw|uw) (?:\w+ ){0,2}\w{0,12}account|"
    r"two(?:je|jego|im) kont|państwa kont|ditt (?:\w+ )?\w{0,6}konto|hesab[ıi]n|"
    r"アカウント|[帐账賬帳][户戶号號]|حساب|계정",
)
_LIMITED = _stems(
    r"restrict|suspend|limited|no longer|disabled|revoked|removed|\bblocked|eingeschränk|gesperrt|ausgesetzt|"
    r"beschränk|nicht mehr|ausgeschlossen|untersagt|entzogen|uitgesloten|ingetrokken|wyklucz|zawies|stängt av|esclus|"
    r"revoca|exclu|"
    r"restrein|restric|limité|ne pouvez plus|limita[tz]|sospes|non puoi più|bloccat|restring|restrin|limitad|"
    r"bloquead|beperk|opgeschort|geblokkeerd|niet meer|ogranicz|zawiesz|zablokow|begräns|avstäng|stängts av|spärra|"
    r"kısıt|askıya|engellen|制限|停止|限制|[暂暫]停|تقييد|تعليق|제한|정지",
)
_SENDING = _stems(
    r"\bsend|contact|messag\w{2,4} (?:to )?buyers|\bsenden|versand|versend|verschick|kontaktier|kontaktaufnahme|"
    r"envo[iy]|contacter|invi[aio]|contattare|envi[aáeo]|contact|verzend|versturen|sturen|wysył|wysłan|kontakt|"
    r"skicka|sända|gönder|送信|送付|[发發]送|[联聯][系繫]|إرسال|ارسال|발송|전송|보내",
)
_TO_WHOM = _stems(
    r"pro-?acti|proaktiv|proaktif|proaktyw|proattiv|proativ|unsolicited|to (?:your |the )?(?:buyer|customer)|"
    r"contact(?:ing)? (?:your |the )?(?:buyer|customer)|an (?:\w+ )?(?:käufer|kund)|käufer\w{0,2} (?:zu )?kontakt|"
    r"(?:aux|à vos|aux vos|les) (?:acheteur|client)|(?:agli|ai|gli|i) (?:acquirent|client)|"
    r"a (?:los |sus |tus |l[oa]s )?(?:comprador|client)|(?:a|aos|para|os) (?:os )?(?:comprador|client)|"
    r"aan (?:\w+ )?(?:koper|klant)|do (?:\w+ )?(?:kupując|klient)|"
    r"till (?:\w+ )?(?:köpare|kund)|alıcılara|müşterilere|"
    r"(?:購入者|お客様)(?:へ|に)|自発的|(?:向|给|給|[与與])(?:[买買]家|[顾顧]客)|主[动動]|"
    r"للمشتر|إلى المشتر|استباقي|(?:구매자|고객)에게",
)
_IS_NONE = _stems(
    r"attachment|invoice|listing|anhang|rechnung|pièce jointe|facture|allegat|fattur|adjunt|factura|anexo|fatura|"
    r"bijlage|factuur|załącz|faktur|bilag|添付|請求書|附件|"
    r"[发發]票|مرفق|فاتورة|"
    r"\bmay\b(?! no)|\bmight\b|\bcould\b|\bcan be\b|\bif (?:you|your|this|we)|to avoid|lifted|reinstat|restored|"
    r"\bagain\b|not (?:been )?(?:restricted|suspended|limited)|könn(?:te|en dazu)|kann (?:\w+ ){0,6}werden|führen|"
    r"aufgehoben|wieder|\bfalls\b|\bwenn (?:sie|ihr|du)|vermeiden|nicht (?:eingeschränkt|gesperrt)|pourra|"
    r"peut (?:être|entraîner)|levée?|rétabli|à nouveau|\bsi vous|éviter|"
    r"potrebbe|può essere|rimoss|ripristin|di nuovo|\bse (?:continu|non)|"
    r"evitare|podría|puede (?:ser|dar)|levantad|restable|de nuevo|\bsi (?:usted|continú|no)|evitar|poder[ái]|"
    r"pode ser|restabele|novamente|kan (?:\w+ ){0,4}(?:worden|leiden)|opgeheven|hersteld|opnieuw|weer|voorkomen|"
    r"\bals (?:je|u)\b|może|mogą|zniesion|przywróc|ponownie|jeśli|uniknąć|kan (?:komma|leda|begränsas)|upphäv|hävts|"
    r"återställ|\bigen\b|\bom du|undvika|[ae]bilir|kaldırıl|tekrar|önlemek|可能|恢复|恢復|解除|撤[销銷]|"
    r"如果|避免|場合|再開|قد يتم|رفع|إذا|해제|수 있습니다",
)
_BESIDE_ORDER: Final = (
    (
        Kind.SENDER_NOT_APPROVED,
        Reason.NOT_APPROVED,
        _stems(
            r"(?:not|un)[ -]?(?:an? )?(?:approv|authori[sz]|verifi)\w{0,4} .{0,40}(?:sender|address)|"
            r"(?:sender|address) .{0,60}(?:not|un)[ -]?(?:approv|authori[sz]|verifi)|"
            r"absender.{0,60}nicht .{0,20}(?:zugelassen|autorisiert|genehmigt|bestätigt)|"
            r"(?:nicht|kein) .{0,20}(?:zugelassen|autorisiert|genehmigt)\w{0,3} absender|"
            r"(?:expéditeur|adresse).{0,60}(?:pas|non) (?:autoris|approuv)|(?:mittente|indirizzo).{0,60}non .{0,20}"
            r"(?:autorizzat|approvat)|(?:remitente|dirección).{0,60}no .{0,20}(?:autorizad|aprobad)|"
            r"(?:remetente|endereço).{0,60}não .{0,20}(?:autorizad|aprovad)|(?:afzender|adres).{0,60}niet .{0,20}"
            r"(?:goedgekeurd|geautoriseerd)|(?:nadawc|adres).{0,60}nie .{0,20}(?:zatwierdz|autoryz)|"
            r"(?:avsändar|adress).{0,60}(?:inte|ej) .{0,20}(?:godkän|behörig)|(?:gönderen|adres).{0,60}"
            r"(?:onaylanma|onaylı değil|yetkili değil)|(?:送信者|送信元|アドレス).{0,30}(?:承認|許可)され|"
            r"(?:[发發]件人|地址).{0,20}未.{0,6}(?:授[权權]|批准|[认認][证證])",
        ),
    ),
    (
        Kind.NOT_DELIVERED,
        Reason.ATTACHMENT_REFUSED,
        _stems(
            r"attachment|anhang|anhäng|pièces? jointe|allegat|adjunt|\banexo|bijlage|\bbilag|bifoga|załącz|ekteki|"
            r"ek dosya|添付|附件|첨부|مرفق",
        ),
    ),
    (
        Kind.BLOCKED_FOR_CONTENT,
        Reason.CONTENT_BLOCKED,
        _stems(
            r"guideline|\bpolic(?:y|ies)|richtlinie|directives|consignes|politique|linee guida|\bpolitic[ah]|"
            r"directrices|\bpolítica|diretrizes|richtlijn|\bbeleid|riktlinje|wytyczn|polityk|kurallar|yönerge|"
            r"politika|ガイドライン|ポリシー|[准準][则則]|指南|政策|[规規]定|إرشادات|سياس|지침|정책",
        ),
    ),
    (
        Kind.NOT_DELIVERED,
        Reason.LIMIT_REACHED,
        _stems(
            r"daily .{0,20}limit|limit .{0,20}(?:reached|exceeded)|exceed\w{0,3} .{0,30}limit|too many|"
            r"tageslimit|limit.{0,30}(?:erreicht|überschritten)|höchstzahl|zu viele|limite .{0,40}(?:atteint|dépass)|"
            r"(?:atteint|dépassé|raggiunto|superato|atingiu|excedeu|ultrapass\w+) .{0,40}limite|"
            r"limite .{0,40}(?:raggiunt|superat)|límite|limite (?:diári|de mensag)|limiet|te veel|"
            r"limit\w{0,3} (?:dzienn|wiadomoś)|zbyt wiele|gräns|för många|sınır|çok fazla|"
            r"上限|超[过過出].{0,12}(?:限|上限)|한도",
        ),
    ),
)
"""Why a message was not delivered, most specific first: kind, reason, and what stands beside the order."""


def says_restricted(flat: str) -> bool:
    """Whether a sentence says that the seller's account may not write to buyers now. `flat` is normalised; linear."""
    return any(_is_restriction(sentence) for text in (flat, _BLANK.sub("", flat)) for sentence in _about_account(text))


def _about_account(text: str) -> Iterator[str]:
    """Yield the sentence around each of the first mentions of the account. Tables and headings have no full stops."""
    for match in islice(_ACCOUNT.finditer(text), _MOST):
        before = _STOP.split(text[max(0, match.start() - _BEFORE) : match.start()])[-1]
        yield before + _STOP.split(text[match.start() : match.end() + _AFTER], maxsplit=1)[0]


def _is_restriction(sentence: str) -> bool:
    needed = (_LIMITED, _SENDING, _TO_WHOM)
    return (
        is_about_a_message(sentence)
        and all(pattern.search(sentence) for pattern in needed)
        and not _IS_NONE.search(sentence)
    )


def cause_beside_order(flat: str) -> tuple[Kind, Reason] | None:
    """Return why a message about an order was not delivered, if that is said of it and the cause is the seller's.

    For a letter that is no notice of an opt-out: the words of that were looked for before, and what may be one is left
    alone.
    """
    if not names_another_cause(flat):
        return None
    for near in surroundings(flat):
        compact = _BLANK.sub("", near)
        if not is_about_a_message(near) or not fails(near):
            continue
        for kind, reason, pattern in _BESIDE_ORDER:
            if pattern.search(near) or pattern.search(compact):
                return kind, reason
    return None
