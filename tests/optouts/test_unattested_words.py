"""Notices in words that nobody has attested, the other mails about messages, and buyers' own words."""

from dataclasses import replace

import pytest

from optouts.decisions import Grade
from optouts.examination import Finding, examine
from optouts.reasons import Kind, Reason
from optouts.shadow_texts import SHADOWS, find, order_ids
from optouts.stop_words import asks_to_stop
from optouts.undelivered import says_restricted
from optouts.wording import normalise
from tests.notices.builder import (
    ALIAS,
    AMAZON,
    EN_SUBJECT,
    ENGLISH,
    EVIL,
    GMAIL,
    ITALIAN,
    MAILBOX,
    ORDER,
    FakeDns,
    Mail,
    Seller,
    gmail_forwarded,
    italian_html,
    signed,
)
from tests.notices.forwards import NOTICES, Notice

OTHER_ORDER = "408-3333333-4444444"
UNATTESTED = [notice for notice in NOTICES if not notice.is_attested]
MARK = (("X-Space-Notification-Type", "BUYER_OPTED_OUT_BSM_MESSAGES"),)
ALL = frozenset(text.name for text in SHADOWS)
OTHER_MAIL = (
    Kind.OTHER_AMAZON, Kind.NOT_DELIVERED, Kind.RESTRICTED, Kind.BLOCKED_FOR_CONTENT, Kind.SENDER_NOT_APPROVED,
)  # fmt: skip


def look(raw: bytes, *, promoted: frozenset[str] = frozenset(), dns: FakeDns | None = None) -> Finding:
    context = replace(Seller().context(), promoted=promoted)
    (finding,) = examine(raw, resolver=dns or FakeDns(), context=context)
    return finding


def mail_of(notice: Notice, **changes: object) -> Mail:
    """Return the notice in the form of the attested mail of 2026: HTML only, hidden preheader, alias in a link."""
    words = italian_html().replace(italian_html().split("<p>")[2].split("</p>")[0], notice.sentence)
    preheader = notice.sentence.replace("[", "").replace("]", "")
    start, end = words.index("Non siamo"), words.index("\r\n</div>")
    body = words[:start] + preheader + words[end:]
    return replace(Mail(), subject=notice.subject, body=body, **changes)  # type: ignore[arg-type]


# Shadow templates


@pytest.mark.parametrize("notice", UNATTESTED, ids=lambda notice: notice.language)
def test_a_notice_in_unattested_words_is_a_probable_one_with_language_order_and_buyer(notice):
    finding = look(signed(mail_of(notice)))

    assert (finding.kind, finding.grade, finding.reason) == (
        Kind.PROBABLE_OPT_OUT, None, Reason.UNATTESTED_WORDING,
    )  # fmt: skip
    assert (finding.order_id, finding.alias, finding.language) == (ORDER, ALIAS, notice.language[:2])
    assert finding.promotable == finding.template == f"{notice.language[:2]}-shadow"


@pytest.mark.parametrize("notice", UNATTESTED, ids=lambda notice: notice.language)
def test_a_promoted_text_counts_as_attested_under_amazons_signature(notice):
    name = frozenset({f"{notice.language[:2]}-shadow"})
    direct, forwarded = signed(mail_of(notice)), gmail_forwarded(signed(mail_of(notice, to=MAILBOX)))

    assert (look(direct, promoted=name).kind, look(direct, promoted=name).grade) == (Kind.OPT_OUT, Grade.A1)
    assert look(forwarded, promoted=name).grade is Grade.A2
    assert look(direct, promoted=ALL - name).kind is Kind.PROBABLE_OPT_OUT
    assert look(mail_of(notice).build(), promoted=name).kind is Kind.FORGED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sender": "Amazon <store-news@amazon.com>"}, Reason.UNUSUAL_SENDER),
        ({"subject": "Angebote für Sie"}, Reason.UNKNOWN_SUBJECT),
    ],
)
def test_a_promoted_text_still_needs_its_sender_and_its_subject(changes, reason):
    notice = next(notice for notice in UNATTESTED if notice.language == "de")
    finding = look(signed(replace(mail_of(notice), **changes)), promoted=ALL)

    assert (finding.kind, finding.grade, finding.reason) == (Kind.PROBABLE_OPT_OUT, None, reason)


def test_two_orders_in_one_sentence_are_for_a_person():
    words = UNATTESTED[1].sentence.replace(f"[{ORDER}]", f"[{ORDER}] und [{OTHER_ORDER}]")
    finding = look(signed(mail_of(replace(UNATTESTED[1], sentence=words))), promoted=ALL)

    assert (finding.kind, finding.grade, finding.order_id) == (Kind.PROBABLE_OPT_OUT, Grade.X, None)


def test_an_order_in_another_sentence_does_not_matter():
    words = UNATTESTED[1].sentence + f" Siehe auch {OTHER_ORDER}."

    assert look(signed(mail_of(replace(UNATTESTED[1], sentence=words)))).order_id == ORDER


@pytest.mark.parametrize(
    "words",
    [
        f"Your buyer has requested to cancel order {ORDER}.", f"Refund for order {ORDER} was issued to the buyer.",
        f"Der Käufer hat Bestellung {ORDER} zurückgesendet.", f"El comprador ha devuelto el pedido {ORDER}.",
        f"Order {ORDER} could not be delivered: the address of the customer is wrong.",
        f"The parcel for order {ORDER} could not be delivered because the buyer refused it.",
        f"Przesyłka do zamówienia {ORDER} nie została dostarczona, ponieważ kupujący odmówił przyjęcia.",
        f"Die Bestellung {ORDER} konnte nicht zugestellt werden.", f"买家已付款，订单 {ORDER} 请发货。",
        "Buyers can now opt out of messages from sellers; messages to them are not delivered.", f"{ORDER}",
    ],
)  # fmt: skip
def test_other_mails_about_orders_are_no_notices(words):
    assert find(normalise(words)) == ()
    assert look(signed(replace(ENGLISH, body=words, subject="About an order"))).kind is Kind.OTHER_AMAZON


REWORDED = [
    "Il messaggio inviato a Paola per l'ordine {order} non è stato recapitato: l'acquirente non desidera "
    "ricevere comunicazioni dai venditori.",
    "Votre message concernant la commande {order} n'a pas été remis car l'acheteur ne souhaite plus recevoir "
    "de messages de vendeurs.",
    "Su mensaje sobre el pedido {order} no pudo ser entregado ya que el comprador canceló su suscripción a "
    "los mensajes de los vendedores.",
    "Sua mensagem sobre o pedido {order} não pôde ser entregue porque o comprador cancelou o recebimento de mensagens.",
    "Uw bericht voor bestelling {order} is niet bezorgd omdat de koper zich heeft afgemeld voor berichten "
    "van verkopers.",
    "Uw bericht over bestelling {order} kon niet worden afgeleverd. De koper wil geen ongevraagde berichten "
    "van verkopers ontvangen.",
    "Twoja wiadomość dotycząca zamówienia {order} nie została dostarczona, ponieważ kupujący nie chce "
    "otrzymywać wiadomości od sprzedawców.",
    "Ditt meddelande om order {order} kunde inte levereras eftersom köparen har avböjt meddelanden från säljare.",
    "{order} numaralı siparişle ilgili mesajınız iletilemedi; alıcı satıcı mesajlarını almak istemiyor.",
    "Mesajınız alıcıya ulaşmadı (sipariş {order}): alıcı istenmeyen satıcı mesajlarını almamayı tercih etti.",
    "订单{order}的买家已选择不接收卖家的非必要消息，因此您的消息未能发送。",
    "由于买家已退订卖家邮件，您关于订单 {order} 的邮件无法送达。",
    "Die Nachricht zu Bestellung {order} konnte nicht übermittelt werden. Der Käufer möchte keine "
    "Nachrichten von Verkäufern erhalten.",
    "Ihre Nachricht an den Käufer (Bestellung {order}) wurde blockiert, weil der Käufer Verkäufernachrichten "
    "deaktiviert hat.",
    "Your message regarding order {order} was blocked: this customer has unsubscribed from seller emails.",
    "注文{order}の購入者は出品者からのメールの受信を希望していないため、メッセージは配信されませんでした。",
    "El mensaje para el pedido {order} no fue entregado. El cliente ha optado por no recibir mensajes de los "
    "vendedores.",
    "A mensagem referente à encomenda {order} não foi entregue: o comprador escolheu não receber mensagens "
    "dos vendedores.",
    "Wiadomość do kupującego w sprawie zamówienia {order} nie dotarła, bo kupujący wyłączył wiadomości od sprzedawców.",
    "Meddelandet gällande beställning {order} har inte levererats. Köparen vill inte få meddelanden från säljare.",
    "Leider konnten wir deine Nachricht an Robin nicht übermitteln. Bestellung: [{order}]. Grund: Der Käufer "
    "hat Nachrichten von Verkäufern abbestellt.",
    "Der Käufer hat der Kontaktaufnahme durch Verkäufer zu nicht-kritischen Themen nicht zugestimmt; Ihre "
    "Nachricht zur Bestellung [{order}] wurde daher nicht übermittelt.",
    "Tu mensaje sobre el pedido [{order}] ha sido bloqueado: el comprador no acepta mensajes no solicitados de"
    " los vendedores.",
    "Como Robin ha cancelado su suscripción a los mensajes no esenciales de los vendedores, no hemos enviado "
    "tu mensaje acerca del pedido [{order}].",
    "O cliente cancelou a inscrição em mensagens de vendedores; portanto a mensagem do pedido [{order}] não "
    "foi entregue.",
    "Sua mensagem relativa ao pedido [{order}] foi bloqueada, visto que o comprador pediu para não receber "
    "mensagens não essenciais de vendedores.",
    "De koper van bestelling [{order}] ontvangt liever geen berichten van verkopers. Uw bericht is daarom niet"
    " bij Robin aangekomen.",
    "Het bezorgen van je bericht voor bestelling [{order}] is mislukt: de koper accepteert geen ongevraagde berichten.",
    "Nie byliśmy w stanie dostarczyć Twojej wiadomości (zamówienie [{order}]). Powód: kupujący nie życzy sobie"
    " niezamówionych wiadomości od sprzedawców.",
    "Wiadomość do kupującego Robin dotycząca zamówienia [{order}] została zablokowana, gdyż kupujący "
    "zablokował niezamówione wiadomości od sprzedawców.",
    "Vi lyckades inte leverera ditt meddelande för order [{order}]; köparen har blockerat oombedda meddelanden"
    " från säljare.",
    "Ditt meddelande angående beställning [{order}] har stoppats då köparen har avanmält sig från icke "
    "nödvändiga meddelanden från säljare.",
    "Mesajınızın teslimi başarısız oldu ([{order}]). Neden: alıcı, satıcılardan talep edilmemiş mesajlar almak"
    " istemediğini belirtti.",
    "2026-11-02 tarihli mesajınız [{order}] siparişinin alıcısına ulaşmadı; müşteri satıcı iletilerinin "
    "aboneliğinden çıktı.",
    "Your message sent 2026-11-02 (order [{order}]) was undeliverable: the buyer has turned off unsolicited "
    "messages from sellers.",
    "We blocked your message about order [{order}], since the buyer chose to opt-out from seller messages that"
    " are not critical.",
    "您关于订单 [{order}] 的消息已被拦截，因为买家拒绝接收卖家主动发送的消息。",
    "很抱歉，我們未能將您有關訂單 [{order}] 的訊息送達買家，因為買家已取消接收賣家的非必要訊息。",
    "Ihre Mitteilung an Robin (Bestellnummer: {order}) konnte leider nicht weitergegeben werden. Grund dafür "
    "ist, dass der Empfänger keine Werbung oder sonstigen unverlangten Mitteilungen von Händlern bekommen "
    "möchte.",
    "Su mensaje sobre el pedido [{order}] no llegó al comprador, pues Robin decidió darse de baja de los "
    "mensajes de vendedores.",
    "Sua mensagem para Robin não foi encaminhada (pedido [{order}]) porque o cliente se descadastrou das "
    "mensagens de vendedores.",
    "Het bericht voor Robin bij bestelling [{order}] is niet doorgestuurd: deze klant heeft aangegeven niet "
    "door verkopers benaderd te willen worden.",
    "Twoja wiadomość do Robin (zamówienie [{order}]) nie została przekazana, bo klient nie wyraził zgody na "
    "wiadomości od sprzedawców.",
    "Ditt meddelande till Robin om order [{order}] vidarebefordrades inte, för köparen har avsagt sig "
    "meddelanden från säljare.",
    "[{order}] numaralı siparişin alıcısı satıcılardan gelen gereksiz mesajları engellediği için mesajınız "
    "teslim edilmedi.",
    "您给 Robin 的消息（订单 [{order}]）没有送达，因为该买家不愿意接收卖家的非必要消息。",
    "لم تصل رسالتك بشأن الطلب {order} إلى المشتري لأنه لا يرغب في تلقي رسائل البائعين.",
    "注文番号 {order} の送信に失敗しました。購入者のコミュニケーション設定では、未承諾メッセージが許可されていません。",
]


@pytest.mark.parametrize("words", REWORDED)
def test_the_same_in_other_words_is_recognised(words):
    finding = look(signed(replace(ENGLISH, body=words.format(order=ORDER), subject="?")))

    assert (finding.kind, finding.grade, finding.order_id) == (Kind.PROBABLE_OPT_OUT, None, ORDER)


UNREAD = [
    "Die Nachricht zur Bestellung {order} haben wir nicht zugestellt, weil dem Käufer das so lieber ist.",
    "Twoja wiadomość do zamówienia {order} nie dotarła do adresata bo tak ustalono.",
    "You asked us to message Robin about order {order}. That message was not delivered, as Robin would have it.",
]


@pytest.mark.parametrize("words", UNREAD)
def test_an_undelivered_message_without_a_known_cause_is_for_a_person(words):
    mail = replace(ENGLISH, body=words.format(order=ORDER), subject="?")
    finding = look(signed(mail), promoted=ALL)

    assert (finding.kind, finding.grade, finding.order_id) == (Kind.PROBABLE_OPT_OUT, None, ORDER)
    assert (finding.reason, finding.is_new_wording) == (Reason.UNKNOWN_CAUSE, False)
    other = replace(mail, sender="Amazon <donotreply@amazon.com>")
    assert look(signed(other)).kind is Kind.OTHER_AMAZON


UNSEEN = [
    "Uw bericht inzake bestelling {order} is niet bij de koper terechtgekomen. Hij staat niet open voor verkopers.",
    "Wiadomość z 2026-09-10 (numer zamówienia {order}) nie trafiła do adresata: klient zablokował kontakt.",
    "Vi lämnade inte över ditt meddelande till köparen av {order} – köparen har begränsat vilka som får skriva.",
    "Alıcı, gerekli olmayan satıcı iletilerinden çıktı. {order} sipariş numaralı iletiniz gitmedi.",
    "Tu mensaje al comprador del pedido {order} fue descartado porque pidió que los vendedores no le escriban.",
    "Auf Wunsch des Käufers leiten wir Nachrichten von Verkäufern nicht mehr weiter. Das betrifft Ihre zu {order}.",
    "Der Käufer der Bestellung {order} hat sich gegen Nachrichten entschieden; Ihre Nachricht wurde nicht verschickt.",
    "我们没能把您的消息转给订单 {order} 的买家，他已退出卖家消息。",
    "Because of the buyer's communication preferences, we did not pass on your message for order {order}.",
    "El comprador del pedido {order} ha cancelado la recepción de mensajes de vendedores.",
]
RULES = "Requests for reviews, attachments and links are not allowed by our guidelines."


@pytest.mark.parametrize("words", UNSEEN)
def test_what_denies_a_message_to_a_buyer_is_for_a_person_whatever_the_words(words):
    body = f"{words.format(order=f'[{ORDER}]')} Your Amazon team. Something else. {RULES}"
    mail = replace(ENGLISH, body=body, subject="?")
    forwards = [
        replace(mail, sender=f"Alice <{MAILBOX}>", subject="Fwd: ?", body=block + body)
        for block in ("", "\r\nFrom: Amazon.de\r\nSent: Monday\r\nTo: Alice\r\nSubject: ?\r\n\r\n")
    ]

    for raw in (signed(mail), *(forward.build() for forward in forwards)):
        finding = look(raw)
        assert (finding.kind, finding.grade, finding.order_id) == (Kind.PROBABLE_OPT_OUT, None, ORDER)
        assert look(raw, promoted=ALL).grade in (None, Grade.D)
    other = look(signed(replace(mail, sender="Amazon <donotreply@amazon.com>")))
    assert other.kind is not Kind.OPT_OUT


@pytest.mark.parametrize("domain", ["amazon.de", "amazon.co.uk", "amazon.com.tr"])
def test_unseen_words_from_the_same_desk_at_another_domain_of_amazons_are_for_a_person(domain):
    signer = replace(AMAZON, domain=domain)
    words = UNSEEN[0].format(order=ORDER)
    mail = replace(ENGLISH, sender=f"Amazon <auto-communication@{domain}>", subject="?", body=words)
    dns = FakeDns(records={signer.name: signer.record})
    finding = look(signer.sign(mail.build()), dns=dns, promoted=ALL)

    assert (finding.kind, finding.grade, finding.order_id) == (Kind.PROBABLE_OPT_OUT, None, ORDER)
    other = replace(mail, sender=f"Amazon <news@{domain}>")
    assert look(signer.sign(other.build()), dns=dns).kind is Kind.OTHER_AMAZON


@pytest.mark.parametrize(
    "words",
    [
        "You have received a new message from the buyer of order {order}. Please reply within 24 hours.",
        "Ihre Nachricht zur Bestellung {order} wurde an den Käufer gesendet.",
        "L'acheteur a annulé la commande {order}.",
        "Alıcı {order} numaralı sipariş için iade talep etti.", "Köparen vill returnera beställning {order}.",
        "Für Bestellung {order} wurde der Betrag erstattet; der Käufer hat eine E-Mail bekommen.",
    ],
)  # fmt: skip
def test_what_denies_nothing_is_no_notice(words):
    mail = replace(ENGLISH, body=words.format(order=ORDER), subject="?")
    assert look(signed(mail), promoted=ALL).kind is Kind.OTHER_AMAZON
    by_hand = replace(mail, sender=f"Alice <{MAILBOX}>", subject="Fwd: ?", body=f"{mail.body} Amazon")
    assert look(by_hand.build(), promoted=ALL).kind is Kind.NOT_AN_OPT_OUT


@pytest.mark.parametrize(("subject", "kind"), [("?subject= [x]", Kind.PROBABLE_OPT_OUT), ("", Kind.OTHER_AMAZON)])
def test_the_way_round_an_opt_out_tells_a_notice_in_whatever_language(subject, kind):
    body = f"<p>გთხოვთ [{ORDER}] შეკვეთა</p><a href='mailto:{ALIAS}{subject}'>ელფოსტა</a>"
    finding = look(signed(replace(ITALIAN, body=body, subject="?")))

    assert (finding.kind, finding.grade) == (kind, None)
    assert look(signed(replace(ITALIAN, body=body, subject="?", sender="Amazon <donotreply@amazon.com>"))).kind is (
        Kind.OTHER_AMAZON
    )


def test_amazons_name_in_a_table_of_its_own_is_a_quoted_sender():
    rows = "".join(f"<tr><th>{name}: </th><td>{value}</td></tr>" for name, value in
                   (("Subject", "?"), ("Date", "x"), ("From", "Amazon.de"), ("To", "Alice")))  # fmt: skip
    body = f"<table>{rows}</table><p>Die Nachricht zur Bestellung {ORDER} ist liegengeblieben.</p>"
    mail = replace(ITALIAN, sender=f"Alice <{MAILBOX}>", subject="Fwd: ?", body=body)

    assert look(mail.build()).kind is Kind.OTHER_AMAZON


OTHER_CAUSES = [
    "Ihre Nachricht an den Käufer zur Bestellung {order} konnte nicht zugestellt werden, weil der Anhang zu groß ist.",
    "Tu mensaje al comprador del pedido {order} no se ha enviado porque incumple las directrices de comunicación.",
    "Sua mensagem ao comprador sobre o pedido {order} não foi entregue porque o anexo contém um vírus.",
    "Je bericht aan de koper over bestelling {order} is niet verzonden omdat je account beperkt is.",
    "Wiadomość do kupującego ({order}) nie została wysłana, ponieważ narusza wytyczne dotyczące komunikacji.",
    "Ditt meddelande till köparen om beställning {order} levererades inte eftersom bilagan är för stor.",
    "Ekteki dosya çok büyük olduğu için alıcıya {order} numaralı siparişle ilgili mesajınız teslim edilemedi.",
    "Il messaggio all'acquirente dell'ordine {order} non è stato inviato: il tuo account è sospeso.",
    "Votre message à l'acheteur (commande {order}) n'a pas été envoyé, car il contient un lien externe.",
    "添付ファイルがサイズの上限を超えているため、注文 {order} の購入者へメッセージを送信できませんでした。",
    "由于附件过大，您就订单 {order} 发送给买家的消息未能送达。",
    "您关于订单 {order} 的消息未发送，因为它不符合买家与卖家消息沟通指南。",
    "لم يتم إرسال رسالتك إلى المشتري بخصوص الطلب {order} لأنها لا تستوفي إرشادات المراسلة.",
]


@pytest.mark.parametrize("words", OTHER_CAUSES)
def test_another_cause_than_the_buyers_wish_is_no_notice_even_by_hand(words):
    mail = replace(ENGLISH, body=words.format(order=f"[{ORDER}]"), subject=EN_SUBJECT)
    quoted = f"---------- Forwarded message ---------\r\nFrom: {ENGLISH.sender}\r\nSubject: {EN_SUBJECT}\r\n\r\n"
    by_hand = replace(mail, sender=f"Alice <{MAILBOX}>", subject=f"Fwd: {EN_SUBJECT}", body=quoted + mail.body)

    assert look(signed(mail), promoted=ALL).kind in OTHER_MAIL
    assert look(by_hand.build()).kind in OTHER_MAIL


TAKEN_BACK = [
    "Your message about order {order} was not delivered because the buyer has cancelled this order.",
    "Votre message (commande {order}) n'a pas été transmis : l'acheteur a annulé la commande.",
    "Il messaggio sull'ordine {order} non è stato consegnato: l'acquirente ha cancellato l'ordine.",
    "Tu mensaje del pedido {order} no se ha entregado porque el comprador canceló el pedido.",
    "Sua mensagem sobre o pedido {order} não foi entregue porque o comprador cancelou o pedido.",
    "Het bericht voor bestelling {order} is niet bezorgd: de koper annuleerde de bestelling.",
    "Ditt meddelande om order {order} levererades inte eftersom köparen har avbeställt sin order.",
    "Wiadomość do zamówienia {order} nie została dostarczona, ponieważ kupujący anulował zamówienie.",
    "由于买家取消了订单，您就订单 {order} 发送的消息未能送达。",
]


@pytest.mark.parametrize("words", TAKEN_BACK)
def test_a_buyer_who_takes_back_his_order_stops_nothing_by_himself(words):
    mail = replace(ENGLISH, body=words.format(order=f"[{ORDER}]"), subject=words.replace("{order}", ""))
    finding = look(signed(mail), promoted=ALL)

    assert finding.kind is not Kind.OPT_OUT and finding.grade is None


DOUBTFUL = [
    "Your message for order {order} could not be delivered: the recipient's inbox does not accept large files.",
    "Your message for order {order} to the buyer was not delivered yet. We do not like that and will try again.",
    "Your message to the buyer of order {order} was not sent because you have opted out of messaging.",
    "Ihre Nachricht an den Käufer zu {order} wurde nicht gesendet, weil Sie Nachrichten deaktiviert haben.",
    "Ihre Nachricht an den Käufer zu {order} wurde nicht zugestellt. Er lehnt sie ab, denn sein Postfach ist voll.",
    "Votre message à l'acheteur ({order}) n'a pas été transmis, car vous vous êtes désabonné des messages.",
    "Il messaggio all'acquirente ({order}) non è stato inviato: hai disattivato i messaggi.",
    "Tu mensaje al comprador del pedido {order} no se ha enviado porque has desactivado los mensajes.",
    "A mensagem ao comprador do pedido {order} não foi enviada porque você desativou as mensagens.",
    "Het bericht aan de koper van {order} is niet verzonden omdat je berichten uitgeschakeld hebt.",
    "Meddelandet till köparen om {order} levererades inte eftersom du har stängt av meddelanden.",
    "Wiadomość do kupującego ({order}) nie została wysłana, bo zrezygnowałeś z wiadomości.",
    "由于您已选择退出消息服务，您就订单 {order} 发送给买家的消息未能送达。",
]


REFUSES_SOMETHING_ELSE = [
    "Your message for order {order} was not delivered. The buyer declined your replacement offer.",
    "The buyer of order {order} refused the delivery; your message was not needed and was not sent.",
    "The customer asked not to be called; your message for order {order} was not sent by SMS.",
    "Your message for order {order} was not delivered as it was in a language that the buyer does not prefer.",
    "The buyer of order {order} has opted out of gift messages, so the gift message could not be delivered.",
    "Ihre Nachricht zu Bestellung {order} wurde nicht zugestellt. Der Käufer hat die Annahme des Pakets abgelehnt.",
    "Votre message pour la commande {order} n'a pas été remis : l'acheteur a refusé le colis.",
    "Il tuo messaggio per l'ordine {order} non è stato consegnato: l'acquirente ha rifiutato il pacco.",
    "Tu mensaje sobre el pedido {order} no se entregó: el comprador rechazó el paquete.",
    "A sua mensagem sobre o pedido {order} não foi entregue: o comprador recusou a encomenda.",
    "Je bericht over bestelling {order} is niet bezorgd: de koper heeft het pakket geweigerd.",
    "Twoja wiadomość dotycząca zamówienia {order} nie została dostarczona: kupujący odmówił przyjęcia paczki.",
    "{order} siparişi için mesajınız teslim edilmedi: alıcı paketi reddetti.",
    "注文{order}に関するメッセージは送信されませんでした。購入者が商品の受け取りを拒否しました。",
    "关于订单 {order} 的消息未送达：买家拒收包裹。",
]


@pytest.mark.parametrize("greeting", ["", "Dear Seller, "])
@pytest.mark.parametrize("words", DOUBTFUL + REFUSES_SOMETHING_ELSE)
def test_a_promoted_text_acts_only_where_no_other_cause_is_thinkable(words, greeting):
    body = greeting + words.format(order=f"[{ORDER}]")
    mail = replace(ENGLISH, body=body, subject=words.replace("{order}", ""))
    finding = look(signed(mail), promoted=ALL)

    assert finding.kind is not Kind.OPT_OUT and finding.grade is None


def test_a_promoted_text_beside_another_cause_waits_for_a_person():
    notice = next(notice for notice in UNATTESTED if notice.language == "de")
    words = f"{notice.sentence} Der Anhang ist zu groß."
    finding = look(signed(mail_of(replace(notice, sentence=words))), promoted=ALL)

    assert (finding.kind, finding.grade) == (Kind.PROBABLE_OPT_OUT, None)


def test_a_newsletter_in_such_words_is_no_notice():
    mail = replace(mail_of(UNATTESTED[0]), sender="news@evil.example")

    assert look(EVIL.sign(mail.build())).kind is Kind.NOT_AN_OPT_OUT


def test_the_ids_of_a_text_are_found_once():
    assert order_ids(f"{ORDER} x {ORDER} {OTHER_ORDER}") == (ORDER, OTHER_ORDER)


@pytest.mark.parametrize(
    "words", [f"Aap ka sandesh {ORDER} nahin pahuncha.", f"Zpráva k objednávce [{ORDER}] nedorazila.", f"x {ORDER}"]
)
def test_amazons_mark_in_any_language_raises_an_alarm_with_the_order(words):
    body = italian_html().replace(italian_html().split("<h1>")[1].split("</h1>")[0], f"<p>{words}</p>")
    start, end = body.index("Non siamo"), body.index("\r\n</div>")
    mail = replace(Mail(), subject="?", body=body[:start] + body[end:], extra=MARK)
    finding = look(signed(mail))

    assert (finding.kind, finding.grade, finding.reason) == (Kind.PROBABLE_OPT_OUT, None, Reason.UNKNOWN_WORDING)
    assert (finding.order_id, finding.is_new_wording) == (ORDER, True)
    assert look(mail.build()).is_new_wording is False
    assert look(mail.build()).kind is Kind.FORGED


NAMED_BY_SUBJECT = [
    (f"Your message for order {ORDER} could not be delivered", "The buyer has opted out of messages from sellers."),
    (f"Ihre Nachricht zur Bestellung {ORDER} wurde nicht zugestellt",
     "Der Käufer hat sich von unaufgeforderten Nachrichten abgemeldet."),
    (f"Votre message pour la commande {ORDER} n'a pas été remis", "L'acheteur ne souhaite plus de messages."),
    (f"注文{ORDER}に関するメッセージを送信できませんでした", "購入者は出品者からのメールの受信を希望していません。"),
    (f"关于订单 {ORDER} 的消息未送达", "买家已选择不接收卖家的消息。"),
]  # fmt: skip


@pytest.mark.parametrize(("subject", "words"), NAMED_BY_SUBJECT)
def test_a_notice_that_names_its_order_in_the_subject_alone_is_for_a_person(subject, words):
    direct = replace(ENGLISH, subject=subject, body=f"Hello\r\n\r\n{words}\r\n")
    block = f"---------- Forwarded message ---------\r\nFrom: {ENGLISH.sender}\r\nSubject: {subject}\r\nTo: x\r\n\r\n"
    by_hand = replace(direct, sender="Alice <alice@gmail.com>", subject=f"Fwd: {subject}", body=block + words)

    for raw in (signed(direct), GMAIL.sign(by_hand.build())):
        finding = look(raw, promoted=ALL)
        assert (finding.kind, finding.grade, finding.order_id) == (Kind.PROBABLE_OPT_OUT, None, ORDER)


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (f"Refund for order {ORDER}", "The buyer has returned the item."),
        (f"Order {ORDER} was cancelled", "The buyer did not want it any more."),
        (f"Feedback for order {ORDER}", "A buyer has left feedback."),
    ],
)
def test_an_order_in_the_subject_makes_no_notice_of_other_mail(subject, words):
    assert look(signed(replace(ENGLISH, subject=subject, body=words))).kind is Kind.OTHER_AMAZON


# Other mails about messages

ENGLISH_2026 = next(notice for notice in NOTICES if notice.language == "en-2026")
RESTRICTIONS = [
    "We have restricted your account from sending proactive messages to buyers for 30 days.",
    "Your selling account is no longer able to send proactive messages to buyers.",
    "Your ability to send proactive permitted messages has been temporarily suspended.",
    "Ihr Konto wurde vorübergehend für das Senden proaktiver Nachrichten an Käufer eingeschränkt.",
    f"Ihre Nachricht zu Bestellung {ORDER} wurde nicht zugestellt, weil Ihr Verkäuferkonto für den Versand proaktiver "
    "Nachrichten gesperrt ist.",
    "Votre compte a été temporairement restreint : vous ne pouvez plus envoyer de messages proactifs aux acheteurs.",
    "Il tuo account è stato temporaneamente limitato e non può inviare messaggi proattivi agli acquirenti.",
    "Tu cuenta ha sido restringida temporalmente para enviar mensajes proactivos a los compradores.",
    "A sua conta foi temporariamente restringida de enviar mensagens proativas a compradores.",
    "Je account is tijdelijk beperkt in het verzenden van proactieve berichten aan kopers.",
    "Twoje konto zostało tymczasowo ograniczone w zakresie wysyłania proaktywnych wiadomości do kupujących.",
    "Ditt konto har tillfälligt begränsats från att skicka proaktiva meddelanden till köpare.",
    "Hesabınızın alıcılara proaktif mesaj göndermesi geçici olarak kısıtlandı.",
    "お客様のアカウントは、購入者への自発的なメッセージの送信が一時的に制限されています。",
    "Your account has been temporarily blocked from contacting buyers because of the content of your messages.",
    "As a result, you may no longer send proactive permitted messages.",
    "Wir haben Ihr Konto für 30 Tage vom Versand proaktiver Nachrichten an Kunden ausgeschlossen.",
    "Nous avons suspendu la possibilité pour votre compte d'envoyer des messages proactifs aux clients.",
    "We hebben je account tijdelijk uitgesloten van het verzenden van proactieve berichten naar klanten.",
    "Zawiesiliśmy możliwość wysyłania przez Twoje konto proaktywnych wiadomości do klientów.",
    "Vi har tillfälligt stängt av ditt kontos möjlighet att skicka proaktiva meddelanden till kunder.",
    "تم تقييد حسابك مؤقتًا من إرسال رسائل استباقية إلى المشترين.",
    "您的账户已被暂时限制向买家发送主动消息。", "您的帳戶已被暫時限制向買家發送主動訊息。",
]  # fmt: skip
NO_RESTRICTIONS = [
    "Messages that break the guidelines may lead to your account being restricted from sending messages to buyers.",
    "The restriction on your account has been lifted; you can send proactive messages to buyers again.",
    "If you send such messages to buyers, your account will be suspended.",
    "Your listing was restricted. Please send a message to Seller Support.",
    "Your account is not restricted from sending messages to buyers.",
    "Wenn Sie weiter solche Nachrichten an Käufer senden, wird Ihr Konto eingeschränkt.",
    "Die Einschränkung Ihres Kontos für das Senden von Nachrichten an Käufer wurde aufgehoben.",
    "Ihr Konto ist eingeschränkt. Bitte laden Sie ein Ausweisdokument hoch.",
    "Votre compte pourrait être restreint si vous envoyez des messages promotionnels aux acheteurs.",
    "Il tuo account potrebbe essere limitato per l'invio di messaggi agli acquirenti.",
    "Su cuenta podría ser restringida para enviar mensajes a los compradores.",
    "Je account kan worden beperkt als je ongevraagde berichten aan kopers verzendt.",
    "Twoje konto może zostać ograniczone w zakresie wysyłania wiadomości do kupujących.",
    "アカウントの購入者へのメッセージ送信の制限が解除されました。",
    "如果您向买家发送此类消息，您的账户将被限制。",
    "Refund for your account: the buyer sent a message.",
    "We limited the number of buyers who can see your account health page; send feedback to us by message.",
    "You can no longer send invoices as attachments to buyers from your account; use a message.",
    "Customers can no longer contact your account about this order by message.",
    "We stopped sending you buyer messages by e-mail; your account settings were changed and notifications disabled.",
]
UNDELIVERED = [
    ("Ihre Nachricht zu Bestellung {order} wurde nicht gesendet, da sie nicht den Richtlinien für die Kommunikation "
     "entspricht.", Kind.BLOCKED_FOR_CONTENT, Reason.CONTENT_BLOCKED),
    ("Votre message concernant la commande {order} n'a pas été envoyé car il ne respecte pas les directives de "
     "communication.", Kind.BLOCKED_FOR_CONTENT, Reason.CONTENT_BLOCKED),
    ("注文{order}に関するメッセージは、ガイドラインに準拠していないため送信されませんでした。",
     Kind.BLOCKED_FOR_CONTENT, Reason.CONTENT_BLOCKED),
    ("Il messaggio per l'ordine {order} non è stato consegnato: l'allegato è troppo grande.",
     Kind.NOT_DELIVERED, Reason.ATTACHMENT_REFUSED),
    ("El mensaje sobre el pedido {order} no se ha enviado: ha superado el límite de mensajes.",
     Kind.NOT_DELIVERED, Reason.LIMIT_REACHED),
    ("Uw bericht voor bestelling {order} is niet bezorgd, omdat het adres van de afzender niet is goedgekeurd of "
     "geautoriseerd (ongeldig).", Kind.SENDER_NOT_APPROVED, Reason.NOT_APPROVED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "kind", "reason"),
    [
        ("This message was not delivered because your account was restricted from sending proactive messages.",
         Kind.RESTRICTED, Reason.ACCOUNT_RESTRICTED),
        ("We have temporarily removed your ability to contact buyers.", Kind.RESTRICTED, Reason.ACCOUNT_RESTRICTED),
        ("This message was not sent as it did not meet the Buyer-Seller Messaging communication guidelines.",
         Kind.BLOCKED_FOR_CONTENT, Reason.CONTENT_BLOCKED),
        ("The email address x@shop.example is not authorized for sending messages to buyers.",
         Kind.SENDER_NOT_APPROVED, Reason.NOT_APPROVED),
        ("Your message came from an unapproved sender.", Kind.SENDER_NOT_APPROVED, Reason.NOT_APPROVED),
        ("Your attachment was too large.", Kind.NOT_DELIVERED, Reason.ATTACHMENT_REFUSED),
        ("You have reached your daily limit of messages.", Kind.NOT_DELIVERED, Reason.LIMIT_REACHED),
    ],
)  # fmt: skip
def test_other_mails_about_messages_have_kinds_of_their_own(words, kind, reason):
    mail = replace(ENGLISH, body=words, subject="Your message", sender="Amazon <donotreply@amazon.com>")
    finding = look(signed(mail))

    assert (finding.kind, finding.grade) == (kind, Grade.A1)
    assert look(EVIL.sign(replace(mail, sender="x@evil.example").build())).kind is Kind.NOT_AN_OPT_OUT
    assert look(mail.build()).kind is Kind.FORGED
    assert reason in Reason


@pytest.mark.parametrize("machine_type", ["", "SELLER_MESSAGING_RESTRICTED"])
@pytest.mark.parametrize("words", RESTRICTIONS)
def test_a_restriction_is_heard_in_any_language_and_under_any_machine_type(words, machine_type):
    """Nobody has seen under which type Amazon sends it: a type that is not an opt-out's must not hide it."""
    extra = (("X-Space-Notification-Type", machine_type),) if machine_type else ()
    mail = replace(mail_of(ENGLISH_2026), subject="Seller Central", extra=extra, body=f"<p>{words}</p>")
    finding = look(signed(mail))

    assert (finding.kind, finding.grade, finding.says) == (Kind.RESTRICTED, Grade.A1, Reason.ACCOUNT_RESTRICTED)
    assert look(mail.build()).kind is Kind.FORGED


@pytest.mark.parametrize("words", NO_RESTRICTIONS)
def test_what_warns_of_a_restriction_or_ends_one_stops_no_letters(words):
    assert not says_restricted(normalise(words))


@pytest.mark.parametrize(
    "seen",
    ["BBC_MESSAGE_CONFIRMATION_TO_MERCHANT", "BRC_SELLER_NOTIFICATION", "RETURN_REQUEST", "REFUND_ISSUED"],
)
def test_what_amazon_marks_as_a_known_other_matter_stops_no_letters(seen):
    words = "Your account was restricted from sending proactive messages."
    mail = replace(ENGLISH, body=words, subject="Your message", extra=(("X-Space-Notification-Type", seen),))

    assert (look(signed(mail)).kind, look(signed(mail)).reason) == (Kind.OTHER_AMAZON, Reason.ANOTHER_TYPE)


@pytest.mark.parametrize(("words", "kind", "reason"), UNDELIVERED)
def test_why_else_a_message_was_not_delivered_is_told_in_any_language(words, kind, reason):
    finding = look(signed(replace(mail_of(ENGLISH_2026), subject="Amazon", body=f"<p>{words.format(order=ORDER)}</p>")))

    assert (finding.kind, finding.grade, finding.says) == (kind, Grade.A1, reason)


def test_the_mark_of_an_opt_out_weighs_more_than_loose_words_about_the_account():
    mail = replace(mail_of(ENGLISH_2026), subject="Amazon", extra=MARK, body=f"<p>{RESTRICTIONS[1]} {ORDER}</p>")

    assert look(signed(mail)).is_new_wording


# A buyer's own words

STOP = [
    "Please stop writing to me", "do not contact me again", "Unsubscribe!", "I don't want to receive any e-mails",
    "Bitte keine weiteren Mails", "Schreiben Sie mir nicht mehr",
    "Hören Sie auf, mir Nachrichten zu schicken",
    "Ne m'écrivez plus", "Arrêtez de m'envoyer des messages", "Je ne souhaite plus recevoir vos messages",
    "Non scrivetemi più", "Basta mandare messaggi", "No me escriban más", "Dejen de enviarme correos",
    "Por favor não me enviem mais mensagens", "Parem de mandar mensagens", "Stop met mailen", "Geen berichten meer aub",
    "Proszę nie pisać do mnie", "Sluta skicka meddelanden", "Lütfen bana mesaj göndermeyin", "Nepište mi už",
    "Не пишите мне больше", "メールを送らないでください", "请不要再给我发邮件", "메일 보내지 마세요",
    "Kindly stop these feedback requests", "Stop!", "do not disturb me", "Please cease all contact",
    "Nehmen Sie mich aus dem Verteiler", "Verschonen Sie mich mit Ihren Mails", "Veuillez cesser vos messages",
    "Retirez-moi de votre liste", "Toglietemi dalla lista", "Quítenme de su lista", "Retire-me da lista",
    "Haal mij van uw lijst", "Usuńcie mnie z listy", "Ta bort mig från listan", "Beni listeden çıkarın",
    "レビューのお願いはやめてください", "不想再收到你们的邮件", "請勿再聯絡我", "لا أريد رسائل",
    "Не хочу получать ваши письма",
]  # fmt: skip
GO_ON = [
    "Where is my parcel?", "The item has not arrived, please send it again.", "Wo bleibt mein Paket?",
    "Ich habe die Rechnung nicht bekommen", "Bonjour, je n'ai pas reçu mon colis.", "Non ho ricevuto il pacco",
    "No he recibido el paquete", "Não recebi o produto", "Waar blijft mijn pakket?", "Nie otrzymałem paczki",
    "Var är mitt paket?", "Kargom nerede?", "Где мой заказ?", "荷物が届きません", "什么时候发货？",
    "Thank you very much!", "The device won't stop beeping", "Please stop by the post office, my parcel is lost",
    "Das Gerät hört nicht auf zu piepen", "Keine E-Mail mit der Rechnung erhalten", "No me han enviado la factura",
    "no me enviaron el producto correcto", "Non mi avete inviato la fattura", "não me enviaram a fatura",
    "Nie otrzymałem wiadomości", "Jag har inte fått något meddelande",
]  # fmt: skip


@pytest.mark.parametrize("words", STOP)
def test_a_buyer_who_asks_to_be_left_alone_is_heard(words):
    body = (
        f"You have a message.\r\n------------- Message: -------------\r\n{words} {ORDER}\r\n------ End message ------"
    )
    mail = Mail(sender=f"Paola <{ALIAS}>", to=MAILBOX, subject="A question", body=body, content_type="text/plain")
    italian = replace(AMAZON, domain="amazon.it")
    finding = look(italian.sign(mail.build()), dns=FakeDns(records={italian.name: italian.record}))

    assert (finding.kind, finding.grade, finding.asks_to_stop) == (Kind.BUYER_MESSAGE, None, True)
    assert (finding.order_id, finding.alias, finding.signed_at is not None) == (ORDER, ALIAS, True)


@pytest.mark.parametrize("words", GO_ON)
def test_a_buyer_who_asks_something_else_is_not_misheard(words):
    assert not asks_to_stop(normalise(words))


def test_a_buyers_message_that_is_forwarded_by_hand_is_one():
    body = (
        f"FYI\r\n\r\n---------- Forwarded message ---------\r\nFrom: Paola <{ALIAS}>\r\nSubject: Order {ORDER}\r\n\r\n"
    )
    body += "------------- Nachricht: -------------\r\nBitte schreiben Sie mir nicht mehr\r\n----- Ende -----\r\n"
    mail = replace(ENGLISH, sender="Alice <alice@gmail.com>", subject="Fwd: x", body=body)
    finding = look(GMAIL.sign(mail.build()))

    assert (finding.kind, finding.asks_to_stop, finding.order_id) == (Kind.BUYER_MESSAGE, True, ORDER)
    assert finding.alias == ALIAS


def test_amazons_own_notice_is_no_buyer_who_asks():
    assert look(signed()).asks_to_stop is False
