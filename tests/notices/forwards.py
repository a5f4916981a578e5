"""Forwards by hand as mail clients write them: a generator of mails by client, locale, notice, charset and form.

Labels and separators after the fixtures of crisp-oss/email-forward-parser (MIT) and the clients' public behaviour. It
shares no table with what reads forwards in the product.
"""

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.notices.builder import (
    EN_SENTENCE,
    EN_SUBJECT,
    FR_SENTENCE,
    FR_SUBJECT,
    INBOUND,
    IT_MAIN,
    IT_SUBJECT,
    JA_SENTENCE,
    JA_SUBJECT,
    ORDER,
    Mail,
)

SENDER = "Alice Shop <alice@gmail.com>"
ALIAS = "x7c2m9q4t1w8z5b@marketplace.amazon.com"


@dataclass(frozen=True)
class Locale:
    """A client's words: From, Sent, To, Subject; Outlook's subject prefix; Apple's and Thunderbird's separators."""

    code: str
    labels: tuple[str, str, str, str]
    prefix: str
    apple: str
    thunderbird: str
    wrote: str


def _locale(code: str, labels: str, prefix: str, apple: str, thunderbird: str, wrote: str) -> Locale:
    sender, sent, to, subject = labels.split("|")
    return Locale(code, (sender, sent, to, subject), prefix, apple, thunderbird, wrote)


LOCALES = tuple(
    _locale(*line)
    for line in [
        ("en", "From|Sent|To|Subject", "FW", "Begin forwarded message", "Forwarded Message", "On {d}, {s} wrote:"),
        ("de", "Von|Gesendet|An|Betreff", "WG", "Anfang der weitergeleiteten Nachricht", "Weitergeleitete Nachricht",
         "Am {d} schrieb {s}:"),
        ("fr", "De|Envoyé|À|Objet", "TR", "Début du message réexpédié", "Message transféré", "Le {d}, {s} a écrit :"),
        ("es", "De|Enviado|Para|Asunto", "RV", "Inicio del mensaje reenviado", "Mensaje reenviado",
         "El {d}, {s} escribió:"),
        ("it", "Da|Inviato|A|Oggetto", "I", "Inizio messaggio inoltrato", "Messaggio Inoltrato",
         "Il giorno {d} {s} ha scritto:"),
        ("pt", "De|Enviado|Para|Assunto", "FW", "Início da mensagem reencaminhada", "Mensagem reencaminhada",
         "Em {d}, {s} escreveu:"),
        ("pt-br", "De|Enviada em|Para|Assunto", "ENC", "Início da mensagem encaminhada", "Mensagem encaminhada",
         "Em {d}, {s} escreveu:"),
        ("nl", "Van|Verzonden|Aan|Onderwerp", "FW", "Begin doorgestuurd bericht", "Doorgestuurd bericht",
         "Op {d} heeft {s} geschreven:"),
        ("pl", "Od|Wysłano|Do|Temat", "PD", "Początek przekazywanej wiadomości", "Treść przekazanej wiadomości",
         "Dnia {d} {s} napisał:"),
        ("sv", "Från|Skickat|Till|Ämne", "VB", "Vidarebefordrat mejl", "Vidarebefordrat meddelande",
         "Den {d} skrev {s} följande:"),
        ("da", "Fra|Sendt|Til|Emne", "VS", "Start på videresendt besked", "Videresendt meddelelse",
         "Den {d} skrev {s}:"),
        ("no", "Fra|Sendt|Til|Emne", "VS", "Videresendt melding", "Videresendt melding", "{s} skrev følgende den {d}:"),
        ("fi", "Lähettäjä|Lähetetty|Vastaanottaja|Aihe", "VL", "Välitetty viesti alkaa", "Välitetty viesti / Fwd.Msg",
         "{s} kirjoitti {d}:"),
        ("tr", "Kimden|Gönderildi|Kime|Konu", "İLT", "İleti başlangıcı", "İletilen İleti",
         "{s}, {d} tarihinde şunu yazdı:"),
        ("cs", "Od|Odesláno|Komu|Předmět", "FW", "Začátek přeposílané zprávy", "Přeposlaná zpráva",
         "Dne {d}, {s} napsal(a):"),
        ("sk", "Od|Odoslané|Komu|Predmet", "FW", "Začiatok preposlanej správy", "Preposlaná správa",
         "Dňa {d} {s} napísal:"),
        ("hu", "Feladó|Elküldve|Címzett|Tárgy", "FW", "Továbbított levél kezdete", "Továbbított üzenet",
         "{d} időpontban {s} ezt írta:"),
        ("ro", "De la|Trimis|Către|Subiect", "Redir.", "Începe mesajul redirecționat", "Mesaj redirecționat",
         "Pe {d}, {s} a scris:"),
        ("hr", "Od|Poslano|Prima|Predmet", "FW", "Započni proslijeđenu poruku", "Proslijeđena poruka",
         "{d}, {s} napisao:"),
        ("ru", "От|Отправлено|Кому|Тема", "FW", "Начало переадресованного сообщения", "Перенаправленное сообщение",
         "{d} пользователь {s} написал:"),
        ("uk", "Від|Надіслано|Кому|Тема", "FW", "Початок листа, що пересилається", "Переслане повідомлення",
         "{d}, {s} пише:"),
        ("el", "Από|Στάλθηκε|Προς|Θέμα", "ΠΡΘ", "Αρχή προωθημένου μηνύματος", "Προωθημένο μήνυμα",
         "Στις {d}, {s} έγραψε:"),
        ("ja", "差出人|送信日時|宛先|件名", "FW", "転送されたメッセージ", "転送メッセージ", "{d}、{s} のメール:"),
        ("zh-cn", "发件人|发送时间|收件人|主题", "转发", "下面是被转发的邮件", "转发的消息", "在 {d}，{s} 写道："),
        ("zh-tw", "寄件者|寄件日期|收件者|主旨", "轉寄", "以下是轉寄的郵件", "轉寄郵件", "{s} 於 {d} 寫道："),
        ("ko", "보낸 사람|보낸 날짜|받는 사람|제목", "전달", "전달된 메시지", "전달된 메시지", "{d}에 {s}님이 작성:"),
        ("ar", "من|تم الإرسال|إلى|الموضوع", "إعادة توجيه", "بداية الرسالة المعاد توجيهها", "رسالة معاد توجيهها",
         "في {d}، كتب {s}:"),
        ("he", "מאת|נשלח|אל|נושא", "FW", "תחילת ההודעה שהועברה", "הודעה שהועברה", "ב-{d}, {s} כתב:"),
        ("th", "จาก|ส่งเมื่อ|ถึง|เรื่อง", "FW", "เริ่มต้นข้อความที่ส่งต่อ", "ข้อความที่ส่งต่อ", "เมื่อ {d} {s} เขียนว่า:"),
        ("vi", "Từ|Đã gửi|Đến|Chủ đề", "FW", "Bắt đầu thư được chuyển tiếp", "Thư được chuyển tiếp",
         "Vào {d}, {s} đã viết:"),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Notice:
    """A notice's words. `is_attested` says whether a real one was seen."""

    language: str
    subject: str
    sentence: str
    is_attested: bool = False


NOTICES = (
    Notice("it", IT_SUBJECT, IT_MAIN.format(name="Paola", order=ORDER), True),
    Notice("en", EN_SUBJECT, EN_SENTENCE.format(order=ORDER), True),
    Notice("fr", FR_SUBJECT, FR_SENTENCE.format(order=ORDER), True),
    Notice("ja", JA_SUBJECT, JA_SENTENCE.format(order=ORDER), True),
    Notice("en-2026", "Your message to the buyer was not delivered.",
           f"we were not able to deliver the message you sent to Robin on 2026-09-10 for order [{ORDER}] because the "
           "buyer has chosen not to receive unsolicited messages from sellers."),
    Notice("de", "Ihre Nachricht an den Käufer wurde nicht zugestellt.",
           f"wir konnten die Nachricht, die Sie am 2026-09-10 für Bestellung [{ORDER}] an Uwe gesendet haben, nicht "
           "zustellen, weil der Käufer sich von unerwünschten Nachrichten von Verkäufern abgemeldet hat."),
    Notice("es", "Tu mensaje al comprador no se ha entregado.",
           f"no hemos podido entregar el mensaje que enviaste a Ana el 2026-09-10 para el pedido [{ORDER}] porque el "
           "comprador ha elegido no recibir mensajes no solicitados de los vendedores."),
    Notice("pt", "A sua mensagem ao comprador não foi entregue.",
           f"não foi possível entregar a mensagem que enviou a Rui em 2026-09-10 relativa ao pedido [{ORDER}] porque o "
           "comprador optou por não receber mensagens não solicitadas de vendedores."),
    Notice("nl", "Je bericht aan de koper is niet bezorgd.",
           f"het bericht dat je op 2026-09-10 naar Jan hebt gestuurd voor bestelling [{ORDER}] kon niet worden "
           "bezorgd, omdat de koper heeft aangegeven geen ongevraagde berichten van verkopers te willen ontvangen."),
    Notice("pl", "Twoja wiadomość do kupującego nie została dostarczona.",
           f"nie mogliśmy dostarczyć wiadomości wysłanej do Jana dnia 2026-09-10 dotyczącej zamówienia [{ORDER}], "
           "ponieważ kupujący zrezygnował z otrzymywania niezamówionych wiadomości od sprzedawców."),
    Notice("sv", "Ditt meddelande till köparen levererades inte.",
           f"vi kunde inte leverera meddelandet som du skickade till Eva den 2026-09-10 för beställning [{ORDER}] "
           "eftersom köparen har valt bort oombedda meddelanden från säljare."),
    Notice("tr", "Alıcıya gönderdiğiniz mesaj teslim edilemedi.",
           f"[{ORDER}] numaralı sipariş için 2026-09-10 tarihinde Ayşe adlı alıcıya gönderdiğiniz mesaj teslim "
           "edilemedi, çünkü alıcı satıcılardan istenmeyen mesajlar almamayı seçti."),
    Notice("zh", "您发送给买家的消息未送达。",
           f"我们无法送达您于 2026-09-10 就订单 [{ORDER}] 发送给王的消息，"
           "因为该买家已选择不接收来自卖家的未经请求的消息。"),
)  # fmt: skip


@dataclass(frozen=True)
class Forward:
    """One forward: where it comes from, and the mail (not signed yet)."""

    client: str
    locale: str
    notice: Notice
    mail: Mail


def _lines(notice: Notice, width: int | None = None) -> list[str]:
    said = ["Gentile Venditore, Dear Seller,", "", *_wrapped(notice.sentence, width), ""]
    return [*said, f"e-mail <mailto:{ALIAS}?subject=%20[Importante]>", "", "   1. Orders", "", "Amazon"]


def _wrapped(text: str, width: int | None) -> list[str]:
    if width is None:
        return [text]
    rows, row = [], ""
    for word in text.split(" "):
        if row and len(row) + len(word) + 1 > width:
            rows.append(row)
            row = word
        else:
            row = f"{row} {word}".strip()
    return [*rows, row]


def _block(locale: Locale, notice: Notice, *, bold: str = "", order: str = "fstj") -> list[str]:
    sender, sent, to, subject = locale.labels
    rows = {
        "f": f"{bold}{sender}:{bold} Amazon <auto-communication@amazon.com>",
        "s": f"{bold}{sent}:{bold} 10/09/2026 14:25",
        "t": f"{bold}{to}:{bold} alice@gmail.com", "j": f"{bold}{subject}:{bold} {notice.subject}",
    }  # fmt: skip
    return [rows[letter] for letter in order]


def _mail(subject: str, body: str, *, is_html: bool = False, charset: str = "UTF-8", encoding: str = "base64") -> Mail:
    kind = "text/html" if is_html else "text/plain"
    return Mail(
        sender=SENDER, to=INBOUND, subject=subject, body=body, content_type=kind, charset=charset, encoding=encoding,
        is_alternative=False, message_id="<forward@mail.gmail.com>",
    )  # fmt: skip


def _gmail(locale: Locale, notice: Notice) -> Mail:
    rows = ["FYI", "", "---------- Forwarded message ---------", *_block(locale, notice, order="fsjt"), "", ""]
    return _mail(f"Fwd: {notice.subject}", "\r\n".join([*rows, *_lines(notice, 72)]), encoding="quoted-printable")


def _gmail_html(locale: Locale, notice: Notice) -> Mail:
    sender, sent, to, subject = locale.labels
    body = (
        '<div dir="ltr">FYI<br><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">---------- Forwarded '
        f'message ---------<br>{sender}: <strong class="gmail_sendername">Amazon</strong> <span>&lt;'
        '<a href="mailto:auto-communication@amazon.com">auto-communication@amazon.com</a>&gt;</span><br>'
        f"{sent}: 10 Sep 2026<br>{subject}: {html.escape(notice.subject)}<br>{to}: &lt;alice@gmail.com&gt;<br></div>"
        f"<br>{_html(notice)}</div></div>"
    )
    return _mail(f"Fwd: {notice.subject}", body, is_html=True)


def _outlook_html(locale: Locale, notice: Notice) -> Mail:
    rows = [row.replace("<auto", "&lt;auto").replace(".com>", ".com&gt;") for row in _block(locale, notice)]
    named = [f"<b>{row.partition(':')[0]}:</b>{row.partition(':')[2]}" for row in rows]
    body = (
        '<html><body><div>[EXTERNAL] This mail came from outside.</div><hr><div id="divRplyFwdMsg"><font>'
        + "<br>".join(named) + f"</font></div><div>{_html(notice)}</div><p>Confidential. If you are not the intended "
        "recipient, delete order 111-2222222-3333333.</p></body></html>"
    )  # fmt: skip
    return _mail(f"{locale.prefix}: {notice.subject}", body, is_html=True)


def _outlook_text(locale: Locale, notice: Notice) -> Mail:
    rows = ["", "_" * 32, *_block(locale, notice), ""]
    return _mail(f"{locale.prefix}: {notice.subject}", "\r\n".join([*rows, *_lines(notice)]))


def _outlook_mac(locale: Locale, notice: Notice) -> Mail:
    said = locale.wrote.format(d="10.09.26, 14:25", s='"Amazon" <auto-communication@amazon.com>')
    return _mail(f"{locale.prefix}: {notice.subject}", "\r\n".join(["", said, "", *_lines(notice)]))


def _apple(locale: Locale, notice: Notice) -> Mail:
    rows = [f"{locale.apple}:", "", *_block(locale, notice, order="fjst"), "", *_lines(notice, 80)]
    return _mail(f"Fwd: {notice.subject}", "\r\n".join(f"> {row}".rstrip() for row in rows))


def _thunderbird(locale: Locale, notice: Notice) -> Mail:
    rows = ["", "", f"-------- {locale.thunderbird} --------", *_block(locale, notice, order="jsft"), "", ""]
    return _mail(f"Fwd: {notice.subject}", "\r\n".join([*rows, *_lines(notice, 72)]), encoding="8bit")


def _thunderbird_html(locale: Locale, notice: Notice) -> Mail:
    rows = (row.partition(":") for row in _block(locale, notice, order="jsft"))
    cells = "".join(f"<tr><th>{name}: </th><td>{html.escape(value)}</td></tr>" for name, _, value in rows)
    body = f"<p><br></p>-------- {locale.thunderbird} --------<table>{cells}</table><br>{_html(notice)}"
    return _mail(f"Fwd: {notice.subject}", body, is_html=True)


def _yahoo(locale: Locale, notice: Notice) -> Mail:
    sender, sent, to, subject = locale.labels
    one = (f'----- {locale.thunderbird} ----- {sender}: "Amazon" <auto-communication@amazon.com>{to}: "a@b.example" '
           f"<alice@gmail.com>{sent}: Thu{subject}: {notice.subject}")  # fmt: skip
    return _mail(f"Fw: {notice.subject}", "\r\n".join(["", one, "", *_lines(notice)]))


def _gmx(locale: Locale, notice: Notice) -> Mail:
    rows = ["", f"-----{locale.thunderbird}-----", *_block(locale, notice, bold="*", order="sftj"), ""]
    return _mail(f"{locale.prefix}: {notice.subject}", "\r\n".join([*rows, *_lines(notice, 65)]))


def _zoho(locale: Locale, notice: Notice) -> Mail:
    mark = "============ Forwarded message ============"
    rows = ["", mark, *_block(locale, notice, order="ftsj"), mark, ""]
    return _mail(f"Fwd: {notice.subject}", "\r\n".join([*rows, *_lines(notice)]))


def _nested(locale: Locale, notice: Notice) -> Mail:
    sender, sent, to, subject = locale.labels
    outer = [
        f"{sender}: Bob <bob@shop.example>",
        f"{sent}: x",
        f"{to}: alice@gmail.com",
        f"{subject}: Fwd: x",
        "",
        "see",
    ]
    rows = ["", "-" * 10 + " Forwarded message " + "-" * 9, *outer, "", *(f"> {row}" for row in _block(locale, notice))]
    return _mail(
        f"{locale.prefix}: Fwd: {notice.subject}", "\r\n".join([*rows, ">", *(f"> {x}" for x in _lines(notice))])
    )


def _edited_subject(locale: Locale, notice: Notice) -> Mail:
    rows = ["", "_" * 32, *_block(locale, notice, order="fstj"), ""]
    return _mail("Opt-out 3", "\r\n".join([*rows, *_lines(notice, 70)]))


def _html(notice: Notice) -> str:
    return (
        f"<h1><p>Dear,</p><p>{html.escape(notice.sentence)}</p><p>x <a href='mailto:{ALIAS}?subject= [Importante]'>"
        "e-mail</a>.</p></h1>"
    )


CLIENTS: dict[str, Callable[[Locale, Notice], Mail]] = {
    "gmail": _gmail, "gmail in HTML": _gmail_html, "outlook in HTML": _outlook_html, "outlook": _outlook_text,
    "outlook for mac": _outlook_mac, "apple": _apple, "thunderbird": _thunderbird,
    "thunderbird in HTML": _thunderbird_html, "yahoo": _yahoo, "gmx": _gmx, "zoho": _zoho,
    "a forward of a forward": _nested, "an edited subject": _edited_subject,
}  # fmt: skip


def forwards() -> Iterator[Forward]:
    """Yield every client in every locale with every notice."""
    for client, make in CLIENTS.items():
        for locale in LOCALES:
            for notice in NOTICES:
                yield Forward(client, locale.code, notice, make(locale, notice))
