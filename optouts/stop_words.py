"""A buyer's own words that ask a seller to stop writing: a rule, and the phrases of each language as data.

Flow: unwrapping -> [stop_words] -> parsing. Only an offer to the seller ("exclude this buyer?") follows from a match,
so the phrases are loose; what Amazon says about opt-outs is another thing and stands in `notice_texts`.
"""

import re

from optouts.wording import normalise

_MAX_CHARACTERS = 8_000
_PHRASES = (
    # English
    r"(?:stop|quit|cease) (?:e-?mailing|sending|contacting|writing|messaging|spamming|bothering|harassing)",
    r"(?:stop|cease|end) (?:\w+ ){0,3}(?:requests?|messages?|e-?mails?|contact|communications?)\b|"
    r"(?:^|[.!?] |please )stop(?: it| this)?(?:[.!]|$)",
    r"(?:do not|don't|dont|never|not) (?:ever )?(?:e-?mail|contact|write|message|send|spam|bother|disturb)\w* (?:to )?"
    r"(?:me|us|any)",
    r"\bunsubscribe|\bopt(?:ed)? ?(?:me )?out|(?:remove|take) me (?:from|off)|leave me alone|no more (?:e-?mails|"
    r"messages)",
    r"(?:do not|don't|no longer) (?:want|wish|like) (?:to )?(?:receive|get|any)",
    # German
    r"(?:möchte|will|wünsche)\b.{0,30}\bkein(?:e|erlei) (?:\w+ ){0,3}(?:mails?|e-mails?|nachrichten|werbung)|"
    r"(?:keine?|keinerlei) (?:\w+ ){0,3}(?:mails?|e-mails?|nachrichten|mitteilungen|werbung|kontakt|anfragen)\b"
    r"(?! (?:\w+ ){0,5}(?:erhalten|bekommen|gekommen|angekommen|gesehen))",
    r"\bhör(?:en|t|e)? (?:(?:sie|bitte|endlich|doch|damit) ){0,3}auf\b|verschon\w* (?:sie )?mich|"
    r"(?:unterlassen|lassen) sie (?:\w+ ){0,4}(?:schreiben|nachrichten|mails?|ruhe)|"
    r"(?:aus|von) (?:dem|der|ihrem|ihrer|eurem|eurer) (?:e-?mail-?)?(?:verteiler|liste|mailingliste)",
    r"(?:schreib|kontaktier|belästig|schick|send)\w*(?: \w+){0,6} nicht(?: mehr)?|nicht mehr (?:an)?(?:schreiben|"
    r"kontakt)",
    r"\babmelden|\babgemeldet|\babbestell|lassen sie mich in ruhe",
    # French
    r"(?:arrêtez|cessez|stop)(?:,| )?(?:\w+ ){0,3}(?:de |d')?(?:m'|me |nous )?(?:écri|envo|contact|harcel|message|"
    r"mail)",
    r"(?:arrêt|cess|stop)\w* (?:\w+ ){0,3}(?:vos|ces|aux|tous) (?:\w+ ){0,2}(?:message|mail|courriel|e-mail|demande)|"
    r"(?:retire|enleve|enlève|supprime|raye)[zr]?-moi|plus être sollicit",
    r"ne (?:m'|me )?(?:plus )?(?:m'|me )?(?:écri|envo|contact|recevoir)\w*(?: plus| pas)?",
    r"ne (?:souhaite|veux|désire) (?:plus|pas) (?:recevoir|être)|plus (?:de|aucun) (?:message|mail"
    r"|e-mail|courriel)|désinscri|désabonn|laissez-moi tranquille",
    # Italian
    r"(?:smett|piant|basta|cess)\w*(?: \w+){0,3} (?:scriv|invi|mand|contatt|messagg|mail|e-mail)",
    r"non (?!(?:\w+ )?(?:avete|hai|ha|hanno|ho|abbiamo) )(?:\w+ ){0,2}(?:scriv|contatt|invi|mand|ricevere|disturb)\w*|"
    r"(?:toglie|rimuove|cancella|elimina)temi|disiscri|cancellatemi|lasciatemi in pace",
    # Spanish
    r"(?:deje|dejen|deja|pare|paren|basta)(?:\w* ){1,4}(?:escrib|envi|contact|mand|molest|mensaj|correo)",
    r"no (?:me |nos )?(?:\w+ )?(?:escrib[ae]|env[ií](?:e|en|es|éis|ar)\b|contact(?:e|en|es|ar)\b|mand(?:e|en|es|ar)\b|"
    r"molest)|(?:quíte|quite|sáque|saque|bórre|borre|elimíne|elimine)n?me|"
    r"no (?:quiero|deseo) (?:\w+ ){0,2}(?:recib|mensaj|"
    r"correo)|darme de baja|no más (?:mensajes|correos)",
    # Portuguese
    r"(?:pare|parem|para|deixe|deixem|chega)(?: \w+){0,3} (?:escrev|envi|contat|contact|mand|mensag)",
    r"não (?:me |nos )?(?:\w+ )?(?:escrev[ae]|envi(?:e|em|es|ar)\b|contat|contact|mand(?:e|em|es|ar)\b|"
    r"(?:quero|desejo) (?:\w+ ){0,2}(?:receb|mensag|contact|contat|e-?mail))|"
    r"(?:retire|tire|remova|risque)m?-me|me (?:tire|remova|retire)m? |descadastr|remova-me|"
    r"cancelar (?:a )?"
    r"inscrição",
    # Dutch
    r"(?:stop|hou|houd)\w* (?:\w+ ){0,3}(?:met )?(?:mailen|schrijven|sturen|op|berichten)",
    r"geen (?:\w+ ){0,3}(?:berichten|mails?|e-mails?|contact)|niet meer (?:mailen|schrijven|contact|bericht)|"
    r"\bafmelden|(?:haal|verwijder|schrap) (?:mij|me)\b|"
    r"uitschrijven|laat me met rust",
    # Polish
    r"(?:proszę |prosze )?(?:nie|przestań\w*|przestac|przestać) (?:\w+ ){0,3}(?:pisać|pisz|wysyła|kontaktow|przysyła|"
    r"pisac)|(?:żadnych|bez|koniec) (?:\w+ ){0,2}wiadomości|(?:usu[nń]|wykreśl|skreśl)\w* mnie",
    r"nie (?:chcę|chce|życzę|zycze)|wypisa|proszę o (?:zaprzestanie|usunięcie)|dajcie mi spokój",
    # Swedish, Danish, Norwegian
    r"(?:sluta|slut|stopp|stop|hold op|slutt)\w*(?: \w+){0,3} (?:skick|skriv|mejl|mail|kontakt|send|sänd|maile)",
    r"(?:ta bort|stryk|fjern) (?:mig|meg)\b|"
    r"(?:inga|ingen|ikke|inte) (?!(?:\w+ ){0,2}(?:fått|fået|mottagit|mottatt|modtaget))(?:\w+ ){0,3}"
    r"(?:mejl|mail|meddeland|beskeder|meldinger|kontakt|skriv|skick|send)",
    r"avregistrer|avprenumerer|\bafmeld|\bavmeld|låt mig vara",
    # Turkish
    r"(?:mesaj|e-?posta|mail|yaz|gönder)\w*(?: \w+){0,4} (?:gönderme|yazma|atma|istemiyor|göndermey|yazmay|kes|"
    r"dur|bırak)",
    r"(?:yazmayın|göndermeyin|rahatsız etmeyin|abonelikten|listeden çıkar)|benimle iletişime geçmeyin",
    # Finnish, Czech, Hungarian, Romanian, Greek
    r"älkää (?:\w+ ){0,2}(?:lähettä|kirjoitt|ottako)|lopettakaa|en halua (?:\w+ ){0,2}(?:viest|sähköpost)",
    r"(?:přestaňte|nepište|neposílejte|nekontaktujte|prestaňte|neposielajte)|nechci (?:\w+ ){0,2}(?:zprávy|e-?maily)",
    r"ne (?:írjon|küldj|keress|zaklass)\w*|nem (?:kérek|szeretnék) (?:\w+ ){0,3}(?:üzenet|e-?mail|levelet)|leiratkoz",
    r"nu (?:îmi |imi )?(?:mai )?(?:scri|trimit|contact)\w*|opriți|dezabon|σταματήστε|μην? (?:μου )?(?:στέλν|γράφ)",
    # Russian, Ukrainian
    r"(?:прекратите|перестаньте|хватит)(?: \w+){0,2}|не (?:\w+ ){0,2}(?:пишите|присылайте|отправляйте|беспокойте)|"
    r"отпис|не (?:хочу|желаю) (?:\w+ ){0,3}(?:получать|писем|письма|сообщени)|(?:удалите|уберите) меня",
    r"не (?:пишіть|надсилайте|турбуйте)|припиніть",
    # Arabic, Hebrew
    r"توقف(?:وا)? عن|لا (?:ترسل|تراسل|تتواصل)|إلغاء الاشتراك|الرجاء عدم|"
    r"لا (?:أريد|اريد|أرغب)[^.]{0,40}(?:رسا|تواصل|بريد|إيميل)|(?:أ|ا)وقفوا?.{0,20}(?:رسا|مراسل|تواصل)|"
    r"(?:תפסיק|אל ת(?:שלח|כתב|פנ))\w*|להסיר אותי",
    # Japanese, Chinese, Korean
    r"(?:メール|連絡|メッセージ|送信|配信)(?:を|は|の)?.{0,12}(?:やめて|止めて|停止|しないで|送らないで|不要|お断り|送ってこないで)|"
    r"配信停止|連絡しないで|送らないで|(?:お願い|依頼|催促|勧誘).{0,10}(?:やめて|止めて|不要|しないで|お断り)",
    r"(?:请|請)?(?:不要|别|別|勿|停止)(?:再)?.{0,6}(?:发|發|联系|聯繫|联络|聯絡|打扰|打擾|骚扰|騷擾|写|寄|邮件|郵件|消息)|退订|退訂|"
    r"不(?:想|愿|願|希望|要)再?.{0,4}(?:收到|接收)",
    r"(?:메시지|메일|연락|문자).{0,10}(?:그만|보내지|하지|중단|거부)|보내지 ?마|연락하지|수신 ?거부",
)
_ASKS = re.compile("|".join(normalise(phrase) for phrase in _PHRASES))


def asks_to_stop(words: str) -> bool:
    """Whether a buyer's words (normalised, in one line) ask not to be written to. Linear."""
    return _ASKS.search(words[:_MAX_CHARACTERS]) is not None
