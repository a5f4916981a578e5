"""Why else Amazon did not deliver a message to a buyer: a rule, and the stems of each language as data.

Flow: wording -> [other_causes] -> parsing. Amazon's real words are not known in most languages, so what its notice
sender says about a message that was not delivered for an order counts as a probable opt-out, for a person to look at:
a missed opt-out is the dear error. Unless a cause stands there that is none of the buyer's: an attachment, a limit,
the seller's account. Only what stands beside the order id is read, for every notice explains further down what a
message may hold.
"""

import re
from itertools import islice

from optouts.shadow_texts import SHADOWS, is_about_a_message, surroundings
from optouts.wording import normalise

_BLANK = re.compile(r"\s+")
_MAX_SUBJECT = 400
_GREETING = re.compile(
    r"^.{0,40}?(?:(?:seller|vendor|merchant|verkäufer\w{0,3}|händler\w{0,3}|vendeur|venditore|vendedora?|verkoper|"
    r"sprzedawco|säljare|satıcı)[,:!]|出品者様|尊敬的[卖賣]家)"
)
_BESIDE, _MOST_REFUSALS = 70, 5
_NO_BLANKS = re.compile("[\u3041-\u30ff\u4e00-\u9fff]")


def _stems(*stems: str) -> re.Pattern[str]:
    return re.compile("|".join(normalise(item) for item in stems))


_CAUSES = _stems(
    # en
    r"attach|virus|malware|too (?:large|big|many|old)|exceed|guideline|polic(?:y|ies)|your (?:selling |"
    r"seller )?account|"
    r"account .{0,40}(?:suspend|restrict|limit|clos)|\blinks?\b|\burls?\b|(?:not|un)[ -]?(?:approv|authori|verifi)|"
    r"not (?:an )?(?:approv|authori|registered|verifi|support|permitted|allowed)|prohibit|\blimit|quota|invalid|"
    r"not exist|no longer (?:exists?|valid)|not valid|expired|order (?:.{0,30}(?:was|were|been|is) )?cancel|"
    r"technical|temporar",
    # de
    r"anhang|anhäng|\banlagen?\b|schadsoftware|zu gro(?:ß|ss)|überschreit|gr(?:ö|oe)(?:ß|ss)er als|richtlinie|"
    r"verstö(?:ß|ss)|"
    r"versto(?:ß|ss)|\bkonto|verkäuferkonto|zugelassen|autorisiert|genehmigt|ungültig|existiert|abgelaufen|storniert|"
    r"höchstzahl|zu viele|technisch",
    # fr
    r"pièces? jointes?|trop volumineu|dépass|directives|consignes|politique|votre compte|\bliens?\b|"
    r"(?:pas|non) (?:autoris|approuv|valide)|invalide|n'existe|\blimite|expir|commande (?:.{0,30}(?:été|est) )?annul",
    # it
    r"allegat|troppo grand|super[ai] |linee guida|politic[ah]|\baccount|collegament|non (?:è )?(?:autorizzat|"
    r"approvat|"
    r"valid)|non esiste|\blimit[ei]\b|scadut|ordine (?:.{0,30}(?:stato|è) )?annullat|tecnic[oi]",
    # es, pt
    r"adjunt|supera|excede|demasiado grande|directrices|incumpl|tu cuenta|su cuenta|enlace|no (?:está )?autorizad|"
    r"no (?:es )?válid|inválid|no existe|límite|caducad|pedido (?:.{0,30}(?:sido|fue|foi|está|"
    r"estaba) )?cancelad|técnic|anexo|vírus|muito grande|"
    r"diretrizes|\bconta\b|não (?:está )?autorizad|não existe|expirad",
    # nl, sv
    r"bijlage|te groot|richtlijn|beleid|je account|uw account|ongeldig|bestaat niet|limiet|verlopen|geannuleerd|"
    r"bilag|bifoga|för stor|överskrid|riktlinje|ditt konto|\blänk|godkänd|ogiltig|finns inte|makulera|teknisk",
    # pl, tr
    r"załącz|wirus|(?:za|zbyt) duż|przekracz|wytyczn|polityk|\bkont[oa]\b|\blinki?\b|zatwierdzon|autoryzowan|"
    r"nieprawidłow|nie istnieje|wygas|anulowan|techniczn|ekteki|ek dosya|\bekli|virüs|çok büyük|aşıyor|aştığı|kural|"
    r"yönerge|politika|hesab|bağlantı|onaylı|onaylanma|yetkili|geçersiz|mevcut değil|sınır|iptal|teknik",
    # whoever takes back his order refuses no message
    r"cancel\w{0,7} (?:the |this |that |their |his |her )?(?:order|purchase)|annul\w{1,3} (?:la |cette |sa )?commande|"
    r"(?:annulla|cancella)\w{2,3} (?:l'|il suo |questo )?ordine|cancel\w{1,4} (?:el |su |este |o |seu |a )?(?:pedido|"
    r"compra|encomenda)|annule\w{2,5} (?:de |zijn |haar |deze )?bestelling|avbeställ\w{0,4} (?:sin |denna )?(?:order|"
    r"beställning|köp)|anulowa\w{1,4} (?:to |swoje )?zamówieni|"
    r"取消(?:了|し)?[该該此]?[订訂][单單]|注文(?:を|が)(?:キャンセル|取り消)",
    # ar
    r"مرفق|فيروس|إرشادات|سياس|حسابك|رابط|روابط|غير معتمد|غير صالح|انتهت صلاحي|تقني",
    # ja, zh, ko
    r"添付|ウイルス|大きすぎ|上限|サイズ|ガイドライン|ポリシー|アカウント|リンク|承認され|許可され|無効|存在しない|期限|技術的|"
    r"附件|病毒|[过過]大|超出|超[过過]|[准準][则則]|指南|不符合|政策|[规規]定|[帐账賬帳][户戶号號]|[链鏈連]接|連結|未[经經]?授[权權]|"
    r"未[经經]批准|[无無]效|不存在|[过過]期|[订訂][单單]已取消|技[术術]|첨부|바이러스|지침|정책|계정|링크|승인|유효하지|한도",
)

_DOUBTS = _stems(
    # en, de
    r"\byou (?:have |had )?(?:yourself )?(?:opted|disabled|turned|switched|deactivated|unsubscribed|blocked|declined|"
    r"cho|asked|muted)|your (?:own )?(?:setting|preference|choice|request|opt)|\byet\b|\bagain\b|\blater\b|"
    r"delay|inbox|mailbox|storage|\bfull\b|large|\bsize|"
    r"\bsie (?:[^ ]+ ){0,5}(?:deaktivier|abgemeld|abbestell|widersproch|abgelehn|abgewähl|ausgeschalt|blockier)"
    r"\w{0,3} haben|"
    r"haben sie (?:[^ ]+ ){0,5}(?:deaktivier|abgemeld|abbestell|widersproch|abgelehn|abgewähl|ausgeschalt|blockier)|"
    r"ihre (?:eigenen )?einstellung|noch nicht|erneut|später|verzöger|postfach|speicher|gro(?:ß|ss)e",
    # fr, it, es, pt
    r"vous (?:vous )?(?:êtes|avez) (?:[^ ]+ ){0,3}(?:désinscri|désabon|désactiv|refus|choisi|bloqu|oppos)|pas encore|"
    r"plus tard|à nouveau|retard|boîte|volumineu|\bhai (?:[^ ]+ ){0,3}(?:disattiv|disiscri|scelto|rifiut|"
    r"bloccat|chiest)|"
    r"non ancora|più tardi|di nuovo|ritard|casella|\bpien[ao]\b|"
    r"\b(?:has|usted ha|ha usted) (?:[^ ]+ ){0,3}(?:desactiv|elegid|rechazad|bloquead|optad|dado de|cancelad)|todavía|"
    r"aún no|más tarde|de nuevo|retras|buzón|\bllen[oa]\b|\bvocê (?:[^ ]+ ){0,3}(?:desativ|optou|cancel|recus|bloque|"
    r"escolheu)|ainda não|mais tarde|novamente|atras[ao]|caixa de|\bchei[oa]\b",
    # nl, sv, pl, tr
    r"\b(?:je|u) (?:[^ ]+ ){0,4}(?:uitgezet|afgemeld|uitgeschakeld|uitgeschreven|geweigerd|geblokkeerd) "
    r"(?:hebt|heeft|bent)|"
    r"(?:hebt|heb|bent) (?:je|u) (?:[^ ]+ ){0,4}(?:uitgezet|afgemeld|uitgeschakeld|uitgeschreven|geweigerd)|nog niet|"
    r"\blater\b|opnieuw|vertrag|postvak|\bvol\b|\bdu (?:[^ ]+ ){0,3}(?:valt bort|stängt av|avanmäl|avregistrer|"
    r"inaktiver|"
    r"avböj|blockera)|ännu inte|inte än|senare|\bigen\b|försen|inkorg|brevlåd|"
    r"(?:wyłączy|zrezygnowa|wypisa|zablokowa|odmówi)ł[ae]ś|jeszcze nie|później|ponownie|opóźn|skrzynk|"
    r"(?:kapatt|reddett|bıraktı|çıktı|seçti|engelledi)[ıi]?n[ıi]z|henüz|daha sonra|tekrar|gecik|gelen kutu|\bdolu\b",
    # ja, zh
    r"あなたが|まだ|後ほど|再度|遅延|受信箱|容量|"
    r"您(?:已|自己)?(?:选择|選擇|[关關][闭閉]|退[订訂]|拒|屏蔽)|尚未|稍[后後]|重[试試]|延[迟遲]|收件箱|已[满滿]",
)

_OTHER_THINGS = _stems(
    # what else a buyer may refuse
    r"parcel|\bpackages?\b|shipment|\boffer|replacement|\bgift|\bsms\b|phone|\binvoice|signature|in the app|\bguest|"
    r"\bpak(?:et|ke?t)|päckchen|sendung|angebot|ersatz|geschenk|telefon|rechnung|unterschrift|colis|\boffre|cadeau|"
    r"facture|téléphon|\bpacc[oh]|\bofferta|regalo|fattura|paquete|\boferta|factura|teléfono|pacote|presente|fatura|"
    r"aanbod|factuur|paczk|prezent|faktur|erbjudande|\bgåva|\bteklif|hediye|商品|荷物|電話|請求書|包裹|礼品|禮品|电话|電話|"
    r"الطرد|هدية|فاتورة|택배|선물",
)
_FROM_SELLERS = _stems(
    # whom a buyer refuses who opts out, or what: one of the two stands in every notice that was ever seen
    r"seller|vendor|merchant|verkäufer|händler|vendeur|marchand|venditor|vendedor|verkoper|sprzedaw|säljar|satıcı|"
    r"出品者|販売者|[卖賣]家|بائع|판매자",
    r"unsolicited|unwanted|optional|non-?(?:critical|essential)|proactive|marketing|unaufgefordert|unerwünscht|"
    r"unverlangt|freiwillig|nicht-?kritisch|werb|non sollicité|spontané|facultati|non essentiel|non richiest|"
    r"facoltativ|non essenzial|no solicitad|no desead|opcional|no (?:esencial|crític)|não solicitad|não essencia|"
    r"ongevraagd|ongewenst|optione|niezamówion|niechcian|opcjonaln|oönskad|oombedd|frivillig|istenmeyen|isteğe bağlı|"
    r"talep edilmemiş|gereksiz|未承諾|不要な|任意の|主[动動]|非必要|未[经經][请請]求|غير مرغوب|اختياري|غير ضروري|원치",
)


def leaves_no_doubt(flat: str) -> bool:
    """Whether nothing beside an order id speaks for another cause than that its buyer refused sellers' messages.

    Asked where loose words may act by themselves. The seller's own choice, a full box, a delay and a refused parcel are
    written in the words of a refusal, too.
    """
    return not names_another_cause(flat) and not any(map(_is_doubtful, surroundings(flat)))


def _is_doubtful(near: str) -> bool:
    spellings = _spellings(_GREETING.sub("", near, count=1))
    return any(_DOUBTS.search(words) or _OTHER_THINGS.search(words) for words in spellings) or not any(
        map(_refuses_sellers, spellings)
    )


def _refuses_sellers(words: str) -> bool:
    """Whether sellers, or what is unsolicited, stand beside a refusal: every notice greets its seller further up."""
    return any(
        _FROM_SELLERS.search(words[max(0, match.start() - _BESIDE) : match.end() + _BESIDE])
        for text in SHADOWS
        for match in islice(text.refused.finditer(words), _MOST_REFUSALS)
    )


def _spellings(near: str) -> tuple[str, ...]:
    """The words, and if they are of a language without blanks, as they are without those that a program put in."""
    return (near, _BLANK.sub("", near)) if _NO_BLANKS.search(near) else (near,)


def names_another_cause(flat: str) -> bool:
    """Whether a cause that is none of the buyer's stands beside an order id. `flat` is one normalised line; linear."""
    return any((_CAUSES.search(near) or _CAUSES.search(_BLANK.sub("", near))) for near in surroundings(flat))


def says_message_undelivered(flat: str, subject: str) -> bool:
    """Whether a text says beside an order id, or by its subject, that a message was not delivered."""
    title = normalise(subject[:_MAX_SUBJECT])
    return any(_is_undelivered(f"{near} | {title}") for near in surroundings(flat))


def _is_undelivered(words: str) -> bool:
    compact = _BLANK.sub("", words)
    return is_about_a_message(words) and any(
        text.failed.search(compact if text.is_compact else words) for text in SHADOWS
    )
