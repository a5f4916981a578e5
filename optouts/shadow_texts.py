"""Amazon's opt-out notice in words that nobody has attested: a rule, and the phrases of each language as data.

Flow: wording -> [shadow_texts] -> parsing. A shadow template matches loosely: around one order id, within a paragraph,
the text must say that a message was not delivered, name the buyer, and say that he does not want such messages. That is
enough to show it to a person as a probable opt-out, and never enough by itself. An operator who has seen the live text
promotes its template (`Context.promoted`); from then on it counts as attested under Amazon's valid signature, where the
exact sender and a subject that says "not delivered" are asked for besides.

The order of the words differs between languages and forwarders, so the three parts may stand in any order. All patterns
are alternatives of short stems, searched in windows of fixed size: linear.
"""

import re
from dataclasses import dataclass

from optouts.wording import normalise

_ID = re.compile(r"(?<![0-9-])([0-9]{3}-[0-9]{7}-[0-9]{7})(?![0-9-])")
_BLANK = re.compile(r"\s+")
_BEFORE, _AFTER = 320, 380
_MAX_IDS = 40
_MAX_MATCHED = 10
_MAX_SURROUNDED = 4
_MESSAGE = re.compile(
    r"messag|e-?mail|nachricht|mitteilung|mensaje|correo|comunicaci|mensage[mn]|bericht|wiadomoś|meddeland|mesaj|"
    r"ileti|comunicazion|\bnote\b|courriel|メッセージ|メール|消息|訊息|讯息|邮件|郵件|信息|메시지|رسال"
)
_DENIAL = re.compile(
    r"\b(?:not|cannot|never|nicht|keine?[nrms]?|pas|plus|non|no|não|nao|nunca|jamais|niet|geen|nie|inte|ej|aldrig|değil|"
    r"\w{3,20}(?:m[ae]d[ıi]k?|m[ae]m[ıi]ş\w{0,6}|m[ıiuü]yor\w{0,5}|m[ae]y[ae]cak\w{0,5}))\b|n't\b|[没沒未不拒]|ません|ない|않|못"
)
_STOP = re.compile(r"[.!?](?= )|[。！？]")


@dataclass(frozen=True, slots=True)
class ShadowText:
    """The phrases of one language, in the spelling of `wording.normalise`.

    `is_compact`: the language writes no blanks, and mail clients add some: compare without any.
    """

    name: str
    language: str
    failed: re.Pattern[str]
    buyer: re.Pattern[str]
    refused: re.Pattern[str]
    is_compact: bool = False


@dataclass(frozen=True, slots=True)
class ShadowMatch:
    """A loose match. `is_clear` is false when another order id stands in the same paragraph."""

    text: ShadowText
    order_id: str
    is_clear: bool


def _text(language: str, *, failed: str, buyer: str, refused: str, is_compact: bool = False) -> ShadowText:
    def pattern(words: str) -> re.Pattern[str]:
        plain = normalise(words)
        return re.compile(_BLANK.sub("", plain) if is_compact else plain)

    return ShadowText(f"{language}-shadow", language, pattern(failed), pattern(buyer), pattern(refused), is_compact)


SHADOWS: tuple[ShadowText, ...] = (
    _text(
        "en",
        failed=r"not able to (?:deliver|send|transmit)|never reached|not reach|intercepted|held back|withheld|"
        r"delivery failure|"
        r"(?:could not|couldn't|can not|cannot|was not|wasn't|has not been|have not been|hasn't been|not be|"
        r"were not|not) (?:been )?(?:successfully )?(?:deliver|sent|send|transmit)|unable to (?:deliver|send|"
        r"transmit)|"
        r"undeliver|did(?: not|n't) (?:deliver|send|reach)|failed to (?:deliver|send)|delivery .{0,30}failed|"
        r"(?:blocked|stopped) (?:your|the|this) message|message .{0,80}(?:blocked|not delivered|stopped|failed)",
        buyer=r"buyer|customer|recipient|shopper",
        refused=r"(?:asked|requested|elected|decided|preferred|opted|chosen|chose) (?:\w+ ){0,2}not |"
        r"not (?:to )?be (?:contacted|messaged|e-?mailed)|stop(?:ped)? (?:receiving|getting|all|unsolicited|seller)|"
        r"(?:turned|switched) off|muted|refus(?:ed|es)|reject(?:ed|s) .{0,30}messages|blocked (?:all |any |"
        r"unsolicited |seller |non-[a-z]{1,12} ){1,3}(?:messages|e-?mails)|object(?:ed|s) to|"
        r"withdr[ae]wn? .{0,20}consent|(?:not|n't) (?:allow|permit|accept|agree|consent)\w{0,3} .{0,30}(?:messages|"
        r"contact|e-?mails)|deactivated .{0,30}messages|"
        r"opt(?:ed|ing|s)?[ -]?out|unsubscri|(?:not to|does not|doesn't|do not|don't|no longer) (?:want|wish|"
        r"wants|wishes|like|prefer|accept|receive|agree)|declined .{0,40}messages|chos(?:e|en) not to|"
        r"turned off .{0,40}messages|prefers? not|disabled .{0,40}messages",
    ),
    _text(
        "de",
        failed=r"nicht zustellbar|nicht (?:\w+ ){0,6}möglich|angehalten|abgefangen|zurückgehalten|gestoppt|"
        r"fehlgeschlagen|gescheitert|nicht erreicht|"
        r"blockiert|zurückgewiesen|nicht (?:\w+ ){0,4}(?:angekommen|zugestellt|zustellen|übermittel|übergeben|"
        r"weitergegeben|überbracht|gesendet|versend|verschick|übertrag|ausgeliefert|"
        r"weitergeleitet|gesandt|senden)|unzustellbar|zustellung .{0,40}(?:fehlgeschlagen|nicht möglich|gescheitert)|"
        r"konnte.{0,80}nicht|nicht möglich.{0,40}zuzustellen",
        buyer=r"käufer|kaeufer|kund|empfänger|besteller",
        refused=r"nicht (?:\w+ ){0,3}zugestimmt|blockiert hat|lehnt|ablehn|verzicht|ausgetragen|gegen (?:den erhalt|"
        r"den empfang|die zusendung)|nicht (?:\w+ ){0,3}(?:kontaktiert|angeschrieben|wünsch)|stummgeschaltet|"
        r"abgemeldet|abbestell|abgewählt|deaktivier|widersprochen|ausgeschaltet|abgelehnt|untersagt|opt-?out|"
        r"(?:keine?|keinerlei) .{0,80}(?:nachricht|mitteilung|e-mail|kontakt)|"
        r"nicht (?:mehr )?(?:erhalten|empfangen|bekommen|wünsch|kontaktiert)|gegen .{0,60}entschieden|unerwünscht",
    ),
    _text(
        "fr",
        failed=r"échou|échec|intercept|pas (?:\w+ ){0,4}(?:parvenu|atteint|pu)|retenu|"
        r"bloqué|pas (?:\w+ ){0,3}(?:transmis|remis|livré|envoyé|distribué|délivré|parvenu)|"
        r"pas (?:pu )?(?:être |parvenus? à |été |réussi à |en mesure (?:de|d') ?)(?:transm|remi|remet|livr|"
        r"envoy|distribu|achemin|délivr)|impossible (?:de|d') ?(?:transm|remet|livr|envoy|distribu|achemin|délivr)|"
        r"(?:pas pu|n'avons pu|pas été en mesure)|non (?:transmis|remis|livré|distribué)|échec .{0,40}(?:envoi|"
        r"remise)",
        buyer=r"acheteur|client|destinataire",
        refused=r"décliné|a choisi|préfér|bloqu\w{1,4} les|exclu|retiré son|plus (?:souhait|être contact|recevoir)|"
        r"pas être contact|oppos|résili|"
        r"désinscri|désabonn|désactiv|refus|ne (?:souhaite|veut|désire)(?: pas|nt pas| plus)|ne pas recevoir|"
        r"ne plus recevoir|opt-?out|non sollicité|spontané|s'est opposé",
    ),
    _text(
        "it",
        failed=r"fallit|intercettat|non (?:\w+ ){0,4}(?:arrivat|giunt|possibil|raggiunt|riuscit)|respint|"
        r"bloccat|non (?:\w+ ){0,4}(?:recapitat|consegnat|inviat|spedit|trasmess|inoltrat)|non (?:è |"
        r"siamo |abbiamo |sono |è stato |è stata )?(?:stat[oia] )?(?:in grado di |possibile |"
        r"potut[oi] "
        r"|riusciti a |pot(?:uto|er) )?(?:essere )?(?:recapit|consegn|invi|spedi|trasme|inoltr)|"
        r"mancat[ao] (?:recapito|"
        r"consegna)|impossibile (?:recapit|consegn|invi|trasme)",
        buyer=r"acquirente|cliente|destinatario|compratore",
        refused=r"preferi|rinunci|oppost|cancellat|non (?:\w+ ){0,2}(?:accett|desider|vuole|essere contattat)|esclus|"
        r"negato|bloccato i messagg|"
        r"(?:scelto|deciso|preferi\w+|chiesto) di non|non (?:desidera|vuole|intende)|disattivat|disiscri|"
        r"opt-?out|"
        r"annullato l'iscrizione|rifiut|non richiest|non ricevere",
    ),
    _text(
        "es",
        failed=r"fall[oóa]|error al (?:entreg|envi)|no (?:\w+ ){0,5}(?:llega|llegó|posible)|hacer llegar|intercept|"
        r"retenid|rechazad|detenid|"
        r"bloquead|no (?:\w+ ){0,4}(?:entreg|envi|transmit|remit)|no (?:se )?(?:ha |hemos |pudimos |pudo |"
        r"podemos |puede |fue |pudieron |se pudo )?(?:podido |"
        r"sido |logrado )"
        r"?(?:posible )?(?:ser )?(?:entreg|envi|transmit|remit|hacer llegar)|imposible (?:entreg|envi)|"
        r"(?:no pudo|no se pudo|sin) (?:ser )?entreg|no entregad",
        buyer=r"comprador|client|destinatari",
        refused=r"no (?:\w+ ){0,2}(?:desea|quiere|acepta|ser contactad|consiente)|prefier|renunci|bloqueado (?:los |"
        r"todos )|se ha opuesto|opuso|silenciad|deshabilit|inhabilit|negado a|"
        r"cancel\w{0,6} (?:\w+ ){0,4}(?:suscri|recep|mensaj|comunic)|"
        r"(?:elegido|decidido|optado por|escogido|preferido|solicitado|"
        r"pedido) no|no (?:desea|quiere|recibir|"
        r"acepta)|desactiva|dado de baja|opt-?out|excluid|exclui|(?:ha|haya) rechazado|rechaz[óa] |no solicitad|"
        r"dejar de recibir",
    ),
    _text(
        "pt",
        failed=r"não (?:\w+ ){0,4}(?:cheg|possível)|falh|fazer chegar|interce|retid|rejeitad|erro ao|"
        r"bloquead|não (?:\w+ ){0,4}(?:entreg|envi|transmit|encaminh)|não (?:foi |pôde |conseguimos |"
        r"pudemos |foi possível |podemos |pode |"
        r"pôde ser )?(?:possível )?(?:ser )?"
        r"(?:entreg|envi|transmit|encaminh|remet)|impossível (?:entreg|envi)|falha .{0,40}(?:entreg|envi)",
        buyer=r"comprador|client|destinatári",
        refused=r"prefer|renunci|bloqueou|bloqueado (?:as |todas )|desabilit|desinscrev|descadastr|"
        r"não (?:\w+ ){0,2}ser contact|opôs|optou|rejeit|"
        r"cancelou (?:\w+ ){0,3}(?:inscri|subscri|assinatur|receb|mensag|comunica|e-?mail)|"
        r"(?:optou|escolheu|decidiu|preferiu|pediu|solicitou) .{0,20}(?:não|nao|deixar)|não (?:deseja|"
        r"quer|receber|"
        r"aceita|pretende)|desativ|desactiv|opt-?out|recus|não solicitad|deixar de receber",
    ),
    _text(
        "nl",
        failed=r"tegengehouden|niet (?:\w+ ){0,8}(?:aangekomen|bereikt|gelukt|geslaagd|doorgestuurd|slaagd)|mislukt|"
        r"onderschept|"
        r"geblokkeerd|niet (?:\w+ ){0,4}(?:bezorgd|afgeleverd|verzonden|verstuurd|bezorgen|afleveren)|"
        r"niet (?:worden |"
        r"kunnen |afgeleverd|bezorg|verzond|verstuur|doorgestuurd|aflever|afgelever|gelever)"
        r"(?:worden )?(?:afgeleverd|bezorg|verzond|verstuur|gelever|aflever)?|onbestelbaar|"
        r"(?:bezorging|levering) .{0,30}mislukt",
        buyer=r"koper|klant|ontvanger",
        refused=r"liever (?:geen|niet)|weiger|bezwaar|afgewezen|afgezien|uitgezet|niet (?:\w+ ){0,3}(?:benaderd|"
        r"gecontacteerd)|blokkeert|opgezegd|"
        r"afgemeld|uitgeschreven|geen .{0,60}(?:bericht|e-mail|mail)|opt-?out|uitgeschakeld|geweigerd|"
        r"niet (?:meer )?(?:wil|wenst|ontvangen)|ongevraagd|ongewenst",
    ),
    _text(
        "pl",
        failed=r"nie (?:\w+ ){0,4}(?:dostarcz|doręcz|wysłan|wysła|przekaz|dotar)|zatrzyman|odrzucon|nie powiod|"
        r"zablokowan|nie dotar|nie (?:został[aoy]? |mogła |mogliśmy |można |udało się |mogło |"
        r"była? )?(?:być |zostać )?(?:dostarcz|"
        r"doręcz|wysłan|przekaz|wysłać|dostarczyć)|niedostarczon|nie udało (?:nam )?się|nie byliśmy w stanie",
        buyer=r"kupując|klient|nabywc|odbiorc|kupiec",
        refused=r"wola|woli |zablokował|odrzuc|sprzeciw|cof[na]|nie (?:\w+ ){0,2}(?:przyjmuj|zgodził|życz)|wyłącz|"
        r"rezygnuj|"
        r"zrezygnowa|wypisa|rezygn|nie (?:chce|życzy|otrzymywać|otrzymywania|wyraził|zgadza)|wyłączył|opt-?out|"
        r"niezamówion|niechcian|odmówi|postanowił.{0,20}nie|zdecydował.{0,20}nie",
    ),
    _text(
        "sv",
        failed=r"stoppa|inte (?:\w+ ){0,4}(?:lever|skick|fram|nå)|lyckades inte|avvisa|nådde (?:inte|aldrig)|"
        r"blockera|(?:leverera|skicka|sän|överför|vidarebefordra)\w{1,6} (?:inte|ej)(?! bara)|(?:inte|"
        r"ej) (?:kunnat |kunde |har kunnat |att )?(?:leverer|skick|överför|vidarebefordra|nå|sänd)|"
        r"kunde (?:vi )?(?:inte|ej)|(?:inte|ej) (?:kunna|kunnat)|gick inte att (?:leverera|skicka)|"
        r"misslyckades",
        buyer=r"köpare|kund|mottagare",
        refused=r"valt|avstå|blockerat|avsäg|motsatt|nekat|inte (?:\w+ ){0,3}(?:kontaktas|ha |vill|accepter)|"
        r"avaktiver|inaktiver|avvisa|avbeställ|"
        r"valt (?:bort|att inte|att avstå)|avanmäl|avregistrer|avböj|inte (?:vill|längre|ta emot|få|"
        r"önskar)|inga .{0,50}"
        r"meddelande|opt-?out|oönskade|oombedd|avsagt|tackat nej|stängt av",
    ),
    _text(
        "tr",
        failed=r"(?:teslim|gönderim|iletim)\w{0,6} .{0,30}başarısız|durdurul|ulaştırılam|"
        r"engellen|ulaş\w{0,8}(?:madı|mamış|mıyor)|(?:teslim|iletil|gönderil|ulaştırıl|ilet|"
        r"gönder)\w{0,12}(?:mediğini|emedi|amadı|medi|madı|mamış|memiş|"
        r"emiyor|amıyor)|teslim ed\w{0,6}m[ae]d|iletemedik|gönderemedik|ulaştıramadık|"
        r"(?:teslimat|gönderim) .{0,30}başarısız",
        buyer=r"alıcı|müşteri",
        refused=r"abonelik|aboneliğ|kabul etm|istememe|engelle(?:di|miş|diği)|tercih et|seç(?:ti|miş|tiği)|kapal|"
        r"ayrıl|onay vermed|izin verm|almay|"
        r"(?:almamayı|almak istem|istemediğini|istemiyor|istememe|istemedi|almama|almayı reddet)|"
        r"devre dışı|abonelikten|vazgeç|opt-?out|"
        r"kapat(?:mış|tı)|reddet|istenmeyen|izin vermiyor|çıkmış",
    ),
    _text(
        "ar",
        failed=r"(?:لم نتمكن|تعذر|لم يتم|لا يمكن|لم يكن|تعذّر|فشل|لم [تين]صل|لم نرسل|لم تُ)",
        buyer=r"المشتري|العميل|المستلم",
        refused=r"عدم تلقي|عدم استلام|إلغاء الاشتراك|ألغى|لا يرغب|رفض|إيقاف|انسحب",
    ),
    _text(
        "ko",
        failed=r"(?:전달|전송|발송|배달)(?:하지|되지|할 수|될 수|이) ?(?:못|않|없|실패)|전송 ?실패",
        buyer=r"구매자|고객|수신자",
        refused=r"수신 ?거부|거부|받지 ?않|원하지 ?않|수신 ?하지|옵트 ?아웃",
    ),
    _text(
        "ja",
        failed=r"届か(?:な|ず)|送信を中止|(?:送信|配信|配達)(?:に|が)?失敗|"
        r"(?:送信|配信|配達|お届け|送付|届け|転送|お送り)(?:する|が|は)?(?:こと|事)?(?:が|は)?(?:でき|出来)(?:ません|なかった|ず|ない)"
        r"|(?:送信|配信|配達)(?:されません|されなかった|に失敗|不能)|届きません|ブロックされ",
        buyer=r"購入者|お客様|バイヤー|受信者",
        refused=r"受信.{0,8}停止|受け取りたくない|辞退|受信を.{0,4}(?:オフ|無効|解除)|配信を(?:停止|希望しない|拒否)|"
        r"受信しない|受け取らない|受信を(?:拒否|希望しない|停止|望まない)|拒否|配信停止|オプトアウト|希望しない|"
        r"希望していない|望んでいない|受け取りを|受信拒否|"
        r"(?:メッセージ|メール|連絡).{0,4}(?:許可|承諾|同意)(?:され|し)て(?:い|お)(?:ない|ません|らず)",
        is_compact=True,
    ),
    _text(
        "zh",
        failed=r"[拦攔]截|被阻止|未成功|被退回|(?:发送|發送|投递|投遞|送达|送達)失[败敗]|"
        r"(?:无法|無法|未能|不能|没有|沒有|未|没能)(?:被|成功)?.{0,90}?(?:送达|送達|发送|發送|传送|傳送|投递|投遞|"
        r"递送|遞送|传递|傳遞|寄送|传达|送出|发出)|(?:发送|發送|投递|送达)失败",
        buyer=r"买家|買家|客户|客戶|顾客|顧客|收件人|购买者",
        refused=r"[关關][闭閉].{0,12}(?:消息|訊息|讯息|邮件|郵件|接收)|(?:取消|停止|不再)(?:接收|接受|收取)|(?:不|未)(?:同意|允[许許]|被?[联聯][系繫])|退出|"
        r"免打[扰擾]|勿[扰擾]|禁止卖家|"
        r"选择退出|選擇退出|退订|退訂|取消订阅|取消訂閱|拒收|拒绝|拒絕|(?:不|不愿|不想|不再|不希望|不願)(?:接收|接受|收到|收取)|"
        r"屏蔽|退出接收|不希望",
        is_compact=True,
    ),
)
"""Loose templates. Never attested, but for it, en, fr and ja, whose attested sentences are tried first."""


def find(flat: str, subjects: tuple[str, ...] = ()) -> tuple[ShadowMatch, ...]:
    """Return the loose matches in one line of normalised text: one for each order id, of the first language that fits.

    A subject that says "not delivered" stands in for a paragraph that does not say it again. Linear in the length of
    `flat`: at most 10 ids are looked at, each in its sentence and, where no sentence fits, in a window of 700
    characters.
    """
    ids = [match for _, match in zip(range(_MAX_MATCHED), _ID.finditer(flat), strict=False)]
    plain_subject = normalise(" | ".join(subjects)[:_AFTER])
    for reach in (_sentence, _paragraph):
        found = [item for match in ids if (item := _match(match, reach(flat, match), plain_subject)) is not None]
        if found:
            return tuple(found)
    return ()


def _sentence(flat: str, match: re.Match[str]) -> str:
    """Return the sentence around an order id, as far as full stops tell."""
    return _sentences(flat, match, 0)


def _sentences(flat: str, match: re.Match[str], more: int) -> str:
    """Return the sentence around an order id, with `more` on either side."""
    before = flat[max(0, match.start() - _BEFORE) : match.start()]
    after = flat[match.start() : match.end() + _AFTER]
    begins = [0, *(stop.end() for stop in _STOP.finditer(before))]
    ends = [*(stop.end() for stop in _STOP.finditer(after)), *[len(after)] * (more + 1)]
    return before[begins[max(0, len(begins) - 1 - more)] :] + after[: ends[more]]


def surroundings(flat: str) -> tuple[str, ...]:
    """Return what stands beside each of the first four order ids: its sentence, the one before and the one after it."""
    ids = [match for _, match in zip(range(_MAX_SURROUNDED), _ID.finditer(flat), strict=False)]
    return tuple(_sentences(flat, match, 1) for match in ids)


def _paragraph(flat: str, match: re.Match[str]) -> str:
    return flat[max(0, match.start() - _BEFORE) : match.end() + _AFTER]


def _match(match: re.Match[str], window: str, subject: str) -> ShadowMatch | None:
    text = _fitting(window, subject)
    if text is None:
        return None
    return ShadowMatch(text, match[1], set(_ID.findall(window)) == {match[1]})


def says_undelivered(text: ShadowText, subject: str) -> bool:
    """Whether a subject line says, in the language of `text`, that a message was not delivered."""
    plain = normalise(subject)
    return text.failed.search(_BLANK.sub("", plain) if text.is_compact else plain) is not None


def fails(words: str) -> bool:
    """Whether words (normalised) say in any language that something was not delivered."""
    return any(text.failed.search(_BLANK.sub("", words) if text.is_compact else words) for text in SHADOWS)


def denies_the_buyer(flat: str) -> bool:
    """Whether beside an order id a message and its buyer are spoken of, and anything is denied or refused.

    No more than that can be asked of words that nobody has seen, in whatever language.
    """
    return any(_is_denied(near) for near in surroundings(flat))


def _is_denied(words: str) -> bool:
    compact = _BLANK.sub("", words)
    return is_about_a_message(words) and any(
        text.buyer.search(plain) and (_DENIAL.search(plain) or text.refused.search(plain))
        for text in SHADOWS
        for plain in (compact if text.is_compact else words,)
    )


def is_about_a_message(words: str) -> bool:
    """Whether a message is spoken of: a parcel too may not be delivered because its buyer refused it."""
    return bool(_MESSAGE.search(words) or _MESSAGE.search(_BLANK.sub("", words)))


def order_ids(flat: str) -> tuple[str, ...]:
    """Return the order ids in one line of normalised text, each once."""
    return tuple(dict.fromkeys(_ID.findall(flat)[:_MAX_IDS]))


def _fitting(window: str, subject: str) -> ShadowText | None:
    if not is_about_a_message(f"{window} | {subject}"):
        return None
    compact = _BLANK.sub("", window)
    for text in SHADOWS:
        words = compact if text.is_compact else window
        title = _BLANK.sub("", subject) if text.is_compact else subject
        if text.refused.search(words) and (text.buyer.search(words) or text.buyer.search(title)):
            if text.failed.search(words) or text.failed.search(title):
                return text
    return None
