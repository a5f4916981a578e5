"""The marks that mail clients put around a quoted mail: data in the spelling of `wording.normalise`, by language.

Flow: wording -> [forward_marks] -> unwrapping. The labels and separators of Gmail, Outlook (365, web, Mac), Apple Mail,
Thunderbird, Yahoo and GMX as far as they are public (after the MIT-licensed fixtures of crisp-oss/email-forward-parser,
26 languages), and of the Japanese, Chinese, Korean, Greek, Hebrew, Arabic, Thai and Vietnamese clients. All look-ups
are line-wise: the part of a line before its first colon is looked up in a set.
"""

import re
from collections.abc import Sequence
from enum import Enum, auto

from optouts.wording import normalise


class Label(Enum):
    """What a line of a quoted header block names."""

    SENDER = auto()
    SUBJECT = auto()
    REPLIES = auto()
    OTHER = auto()


_SENDERS = (
    "from|od|fra|von|de|lähettäjä|šalje|feladó|da|van|expeditorul|expeditor|отправитель|от|от кого|från|kimden|"
    "від кого|"
    "від|saatja|de la|gönderen|mittente|nadawca|absender|expéditeur|remitente|remetente|afzender|avsändare|avsender|"
    "afsender|odesílatel|odesilatel|odosielateľ|pošiljatelj|feladója|siuntėjas|nuo|no|sūtītājs|pošilja|подател|από|"
    "αποστολέας|מאת|من|المرسل|จาก|từ|người gửi|dari|pengirim|差出人|送信者|发件人|發件人|寄件者|寄件人|"
    "보낸 사람|보낸사람|"
    "发信人|送信元|por"
)
_SUBJECTS = (
    "subject|předmět|emne|betreff|asunto|aihe|objet|predmet|tárgy|oggetto|onderwerp|temat|assunto|subiectul|subiect|"
    "тема|ämne|konu|sujet|naslov|teema|tema|zadeva|θέμα|относно|предмет|נושא|الموضوع|موضوع|เรื่อง|chủ đề|tiêu đề|"
    "subjek|perihal|件名|主题|主題|主旨|제목|题目"
)
_OTHERS = (
    # when
    "date|sent|datum|dato|gesendet|fecha|enviado|enviado el|enviada em|enviado em|päiväys|päivämäärä|lähetetty|envoyé|"
    "envoyé le|poslano|dátum|elküldve|küldve|data|inviato|inviata|verzonden|sendt|wysłano|wysłane|data wysłania|"
    "enviada|data/ora|trimis|data trimiterii|дата|отправлено|odoslané|odesláno|skickat|skickades|tarih|gönderildi|"
    "gönderme tarihi|надіслано|kuupäev|saadetud|išsiųsta|nosūtīts|ημερομηνία|στάλθηκε|изпратено|תאריך|נשלח|التاريخ|"
    "تم الإرسال|تاريخ الإرسال|วันที่|ส่งเมื่อ|ngày|đã gửi|tanggal|terkirim|dikirim|日付|日時|送信日時|送信日|发送时间|"
    "日期|发送日期|寄件日期|傳送日期|時間|보낸 날짜|날짜|sent at|created|when|"
    # to whom
    "to|komu|til|an|para|vastaanottaja|à|prima|címzett|a|aan|do|destinatarul|către|кому|pre|till|kime|alıcı|pour|"
    "adresat|empfänger|destinataire|destinatario|destinatário|ontvanger|mottagare|mottaker|modtager|за|za|kam|kellele|"
    "προς|до|אל|إلى|المستلم|ถึง|đến|tới|kepada|untuk|宛先|送信先|收件人|收件者|받는 사람|받는사람|por a|"
    # and
    "cc|kopie|kopi|cópia|copie|copia|dw|másolat|kopia|bilgi|kópia|копия|копія|в копии|抄送|副本|参照|참조|bcc|"
    "priorität|"
    "importance|wichtigkeit|importancia|attachments|anlagen|message-id|resent-from|x-mailer"
)
_REPLIES = (
    "reply-to|reply to|antwort an|antworten an|répondre à|responder a|responder para|rispondi a|antwoord aan|"
    "svara till|svar til|odpowiedz do|yanıtla|返信先|回复|回覆|sender|resent-sender"
)
_LABELS: dict[str, Label] = {
    normalise(word): label
    for label, words in (
        (Label.OTHER, _OTHERS), (Label.REPLIES, _REPLIES), (Label.SUBJECT, _SUBJECTS), (Label.SENDER, _SENDERS),
    )
    for word in words.split("|")
}  # fmt: skip

_SUBJECT_WORDS = tuple(word for word, label in _LABELS.items() if label is Label.SUBJECT and len(word) > 3)

_BEGINNINGS = frozenset(
    normalise(words)
    for words in (
        "begin forwarded message", "začátek přeposílané zprávy", "start på videresendt besked",
        "anfang der weitergeleiteten nachricht", "inicio del mensaje reenviado", "välitetty viesti alkaa",
        "début du message réexpédié", "début du message transféré", "započni proslijeđenu poruku",
        "továbbított levél kezdete", "inizio messaggio inoltrato", "begin doorgestuurd bericht",
        "videresendt melding", "początek przekazywanej wiadomości", "początek przekazanej wiadomości",
        "início da mensagem reencaminhada", "início da mensagem encaminhada", "începe mesajul redirecționat",
        "начало переадресованного сообщения", "začiatok preposlanej správy", "vidarebefordrat mejl",
        "vidarebefordrat brev", "ileti başlangıcı", "iletilen ileti", "початок листа, що пересилається",
        "αρχή προωθημένου μηνύματος", "начало на препратено съобщение", "転送されたメッセージ", "転送メッセージ",
        "下面是被转发的邮件", "以下是轉寄的郵件", "开始转发的邮件", "開始轉寄的郵件",
        "전달된 메시지", "전달된 메시지 시작",
        "תחילת ההודעה שהועברה", "بداية الرسالة المعاد توجيهها", "เริ่มต้นข้อความที่ส่งต่อ", "bắt đầu thư được chuyển tiếp",
        "mulai pesan terusan", "forwarded message", "forwarded by",
    )
)  # fmt: skip
_INSIDE_DASHES = re.compile(
    r"forward|original|přeposlan|videresend|weitergeleitet|ursprüngliche|reenviad|edelleenlähet|välitetty|transmis|"
    r"transféré|réexpédié|d'origine|továbbított|eredeti|inoltrato|originale|doorgestuurd|oorspronkelijk|przekazan|"
    r"przesyłana|oryginaln|encaminhada|redirecționat|redirectionat|пересыл|перенаправл|переадрес|исходное|пересланн|"
    r"preposlan|pôvodn|vidarebefordr|ursprungligt|iletilmiş|iletilen|özgün|orijinal|переслан|перенаправлен|proslijeđen|"
    r"προωθημένο|препратен|edastatud|persiųst|pārsūtīt|posredovan|転送|元のメッセージ|转发|轉寄|原始邮件|原始郵件|전달|"
    r"원본|הועבר|מועבר|معاد توجيه|محول|ส่งต่อ|chuyển tiếp|diteruskan|pesan terusan"
)
_DASHED = re.compile(r"[-=_*]{2,}[ >]{0,3}([^-=_*].{0,80}?) ?[-=_*]{2,}.{0,10}")
_RULER = re.compile(r"[_]{10,80}|[-]{20,80}")

REPLY_PREFIX = re.compile(
    r"(?:re|aw|r|sv|antw|antwort|odp|ynt|yanıt|vá|válasz|atb|ats|res|resp|rif|rép|réf|απ|σχετ|bls|"
    r"rv ?: ?re|回复|回覆|答复|答覆|返信|답장|회신|ตอบ|השב|رد|tl) ?[:：]"
)
"""How a reply begins its subject. A Finnish reply (`VS:`) cannot be told from a Danish forward, and counts as one."""

SUBJECT_TAG = re.compile(
    r"(?:[\[{(*]{1,5} ?(?:external|extern|externe|externo|esterno|ext|spam|junk|caution|bulk|suspected spam|warning|"
    r"zewnętrzny|外部|外部メール|垃圾邮件)(?: e?-?mail| sender|\??)? ?[\]})*]{1,5}|(?:external|extern) ?:) ?"
)
"""What mail filters put before a subject. A signed subject has none."""

FORWARD_PREFIX = re.compile(
    r"(?:fwd?|wg|tr|rv|i|vs|vb|enc|pd|i̇lt|ilt|vl|doorst|doorgestuurd|videresend|videresendt|redir\.?|továbbítás|tov|"
    r"továbbítva|prz|przekazano|wtr|fs|enc|rm|res:fwd|reenv|reenviado|inoltro|inoltrato|πρθ|προωθ|προώθ|пересл|препр|"
    r"напр|edasi|转发|轉寄|轉發|転送|전달|הועבר|إعادة توجيه|ส่งต่อ|chuyển tiếp|trs) ?[:：] ?|\[fwd ?: ?",
)
"""How a forward begins its subject, in normalised text."""

_INTRODUCES = re.compile(
    r"\bwrote\b|\bschrieb\b|a écrit|ha scritto|escribió|escreveu|schreef|geschreven|napisa[łl]|\bskrev\b|kirjoitti|"
    r"\byazdı|napsal|napísal|\bírta\b|a scris|написа|\bпише\b|έγραψε|のメール|写道|寫道|님이 작성|"
    r"كتب|כתב|เขียน|đã viết|\bpisze\b|menulis|rakstīja|parašė"
)
_MOMENT = re.compile(r"(?<![0-9])(?:20[0-9]{2}|[0-9]{1,2}[:.][0-9]{2})(?![0-9])")
_HEAD = re.compile(r"[^:：]{1,25}[:：](?!//).*")
_LEAST_OF_A_BLOCK = 3

_ANY_PREFIX = re.compile(r"(?:[^\W\d_]{1,12} ?[:：]|\[[^\[\]]{1,20}\]) ?")
_MAX_PREFIXES = 6


def without_prefixes(subject: str) -> str:
    """Return a normalised subject without the short words in front of it, in whatever language a client wrote them."""
    for _ in range(_MAX_PREFIXES):
        match = _ANY_PREFIX.match(subject)
        if match is None:
            break
        subject = subject[match.end() :]
    return subject


def label_of(line: str) -> tuple[Label, str] | None:
    """Return what a line of a quoted header block names, with its value; None when it is no such line.

    `line` is normalised and without marks of quoting. `*From:*` is how a client writes a bold label as plain text.
    """
    head, colon, value = line[:400].replace("：", ":").partition(":")
    if not colon or len(head) > 40:
        return None
    label = _LABELS.get(head.strip(" *_\t|>•·"))
    return (label, value.strip(" *_")) if label is not None else None


def introduces_somebody(lines: Sequence[str]) -> bool:
    """Whether somebody's quoted mail begins in these lines, though no address of his stands there.

    "On Monday, Bob wrote:", or a block of labels in a language that no table knows: three lines of a word, a colon and
    a value, one of which is a time. A signature has such lines without one.
    """
    run, has_moment = 0, False
    for line in (line[:400] for line in lines):
        if line.endswith((":", "：")) and (_INTRODUCES.search(line) or _MOMENT.search(line)) and not is_separator(line):
            return True
        if _HEAD.fullmatch(line):
            run, has_moment = run + 1, has_moment or _MOMENT.search(line.partition(":")[2]) is not None
        else:
            run, has_moment = 0, False
        if run >= _LEAST_OF_A_BLOCK and has_moment:
            return True
    return False


def is_separator(line: str) -> bool:
    """Whether a line says that a quoted mail begins below it."""
    plain = line[:200].strip()
    if _RULER.fullmatch(plain):
        return True
    if plain.rstrip(" :.").strip("-=_* ") in _BEGINNINGS:
        return True
    match = _DASHED.fullmatch(plain)
    return match is not None and _INSIDE_DASHES.search(match[1]) is not None


def subjects_in(line: str) -> tuple[str, ...]:
    """Return the subject of a header block that a client wrote in one line (Yahoo does), or nothing."""
    plain = line[:600].replace("：", ":")
    for word in _SUBJECT_WORDS:
        _, found, value = plain.partition(f"{word}:")
        if found and value.strip():
            return (value.strip(),)
    return ()
