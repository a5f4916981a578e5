"""Links, addresses, numbers, markup: what breaks a rule in a text, and what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.compliance import LANGUAGES, Finding, Severity, guidelines, instead_of, lint, lint_letter


def rules_of(text: str, language: str = "en") -> set[str]:
    return {finding.rule for finding in lint(text, language, is_whole=False)}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("See https://www.example.com/help for more.", "external_link"),
        ("See https://amazon.com.evil.example/x now.", "external_link"),
        ("See https://user@evil.example/amazon.com now.", "external_link"),
        ("See https://notamazon.com/x now.", "external_link"),
        ("See http://www.amazon.com/gp/help now.", "insecure_link"),
        ("See https://bit.ly/3abcd now.", "link_shortener"),
        ("See https://amzn.to/3abcd now.", "link_shortener"),
        ("See https://www.amazon.de/dp/B0ABCDEF12 now.", "product_link"),
        ("See https://www.example.com/unsubscribe?x=1 now.", "opt_out_link"),
        ("Look at example.com for more.", "bare_domain"),
        ("Look at www.example.co.uk for more.", "bare_domain"),
        ("Look at our-shop.de for more.", "bare_domain"),
        ("Look at example dot com for more.", "bare_domain"),
        ("Look at example (dot) com for more.", "bare_domain"),
        ("Look at example[.]com for more.", "bare_domain"),
        ("Look at www . example . com for more.", "bare_domain"),
        ("Look at example . com for more.", "bare_domain"),
        ("Look at exam\u200bple.com for more.", "bare_domain"),
        ("Look at ｅｘａｍｐｌｅ．ｃｏｍ for more.", "bare_domain"),
        ("Look at xn--bcher-kva.example for more.", "bare_domain"),
        ("<p>Look at exam<b></b>ple.com for more.</p>", "bare_domain"),
        ("Write to john@example.com please.", "email_address"),
        ("Write to john (at) example (dot) com please.", "email_address"),
        ("Write to john [at] gmail.com please.", "email_address"),
        ("Write to john at gmail dot com please.", "email_address"),
        ("Write to john＠example.com please.", "email_address"),
        ("<p>Write to john&#64;example&#46;com please.</p>", "email_address"),
        ("Schreiben Sie an hans (ät) beispiel (punkt) de.", "email_address"),
        ("Escriba a juan arroba ejemplo punto com.", "email_address"),
        ("Scriva a mario chiocciola esempio punto it.", "email_address"),
        ("Call us on +49 151 2345678 today.", "phone_number"),
        ("Call 555-123-4567 today.", "phone_number"),
        ("Reach us at (555) 123-4567 today.", "phone_number"),
        ("Reach us at 0 1 5 1 2 3 4 5 6 7 8 today.", "phone_number"),
        ("Reach us at five five five one two three four five six seven.", "phone_number"),
        ("Rufen Sie uns an: 030/1234567.", "phone_number"),
        ("Appelez le 01 23 45 67 89.", "phone_number"),
        ("お電話は03-1234-5678まで。", "phone_number"),
        ("WhatsApp: 15123456789", "phone_number"),
        ("[Important] about your order", "important_keyword"),
        ("［Important］ about your order", "important_keyword"),
        ("Have a nice day \U0001f600", "emoji"),
        ("With love ❤\ufe0f from us", "emoji"),
        ("First\n\n\n\nsecond", "line_breaks"),
        ("<p>First<br><br><br>second</p>", "line_breaks"),
        ('<p><img src="https://x.example/a.png" width="1" height="1" alt="x"></p>', "tracking_pixel"),
        ('<p><img src="https://x.example/a.png" style="display: none" alt="x"></p>', "tracking_pixel"),
        ('<p><img src="https://x.example/a.gif" alt="x"></p>', "gif"),
        ('<p><img src="http://x.example/a.png" alt="x"></p>', "insecure_image"),
        ('<p><img src="https://x.example/a.png" alt="x"></p>', "remote_image"),
        ('<p><img src="https://x.example/a.png"></p>', "missing_alt"),
        ('<p><img src="https://x.example/a.png" alt="x" width="100%"></p>', "image_width"),
        ('<a href="https://www.amazon.de/x"><img src="https://x.example/a.png" alt="x"></a>', "logo_link"),
        ('<a href="https://example.com">your order</a>', "external_link"),
        ("<a href=javascript:alert(1)>your order</a>", "external_link"),
        ('<a href="mailto:x@example.com">write</a>', "email_address"),
        ('<a href="tel:+4930123456">call</a>', "phone_number"),
        ('<p style="color: red">x</p>', "font_color"),
        ('<p style="c/**/olor: red">x</p>', "font_color"),
        ('<font color="red">x</font>', "font_color"),
        ("<style>p { font-family: Arial }</style><p>x</p>", "font_family"),
        ("<p style='line-height: 2'>x</p>", "line_height"),
        ("<center>x</center>", "alignment"),
        ('<p align="center">x</p>', "alignment"),
        ('<p style="text-align:center">x</p>', "alignment"),
        ('<p style="margin-left: 25%">x</p>', "margins"),
        ('<p style="margin: 0 200px">x</p>', "margins"),
        ("".join(f'<p style="font-size: {size}px">x</p>' for size in (10, 12, 14, 16)), "font_sizes"),
        ("<script>x()</script><p>x</p>", "external_link"),
    ],
)
def test_what_breaks_a_rule(text: str, rule: str) -> None:
    assert rule in rules_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "About your order 111-1234567-1234567 of 2026-11-26.",
        "Your {{ product_title }} ({{ sku }}, {{ asin }}) from {{ order_date }}: {{ order_link }}",
        "Use {{ contact_link }} to write to us.",
        "See https://www.amazon.co.uk/gp/help/customer/display.html?nodeId=1 for returns.",
        '<p>See <a href="https://www.amazon.de/your-orders">your orders</a>.</p>',
        '<p>See <a href="{{ order_link }}">your order</a>.</p>',
        "It arrived.It works. We checked it.Everything is fine.",
        "The cable is 10.5 cm long and costs 19.99 USD, i.e. less, e.g. for a 5.0 version.",
        "Model AB-1234567890, EAN 4006381333931, lot 20261126.",
        "Open manual.pdf and readme.md on the disc.",
        "Von 9.00 bis 17.30 Uhr, z.B. am 26.11.2026, d.h. morgen.",
        "Between 10:00 and 12:00 on 26/11/2026 or 27/11/2026.",
        "Rated ★ for water resistance IPX7.",
        "Size 40 x 60 x 120 mm, 2 x AA 1.5 V.",
        "<p>First paragraph.</p>\n<p>Second paragraph.</p>\n\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>",
        '<p style="margin: 10px 5%; padding: 4px; font-size: 14px">x</p>',
        '<p style="text-align: left">x</p>',
    ],
)
def test_what_only_looks_like_it(text: str) -> None:
    assert rules_of(text) - {"thank_you_only"} == set()


def test_the_order_id_has_to_be_in_it() -> None:
    assert [finding.rule for finding in lint("How was it? Please leave a review.", "en")] == ["missing_order_id"]
    for order_id in ("{{ order_id }}", "{{order_id }}", "[[Order ID]]", "111-1234567-1234567"):
        assert lint(f"How was it? Please leave a review. {order_id}", "en") == []


def test_the_order_id_may_stand_in_the_subject() -> None:
    assert lint_letter("Order {{ order_id }}", "How was it? Please leave a review.", "en") == ([], [])


@pytest.mark.parametrize(
    ("language", "text", "doubled"),
    [
        ("en", "Please read the the manual.", "the the"),
        ("de", "Bitte lesen Sie die Anleitung und\nund antworten Sie.", "und\nund"),
        ("fr", "Lisez la notice de de la lampe.", "de de"),
        ("it", "Leggi le istruzioni per per l'uso.", "per per"),
        ("es", "Lea las instrucciones de de uso.", "de de"),
    ],
)
def test_a_word_that_stands_twice_by_mistake_is_told(language: str, text: str, doubled: str) -> None:
    found = [finding for finding in lint(text, language, is_whole=False) if finding.rule == "doubled_word"]
    assert [finding.excerpt for finding in found] == [doubled]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "They had had it; that that works, we know."),
        ("de", "Die, die die Lampe haben, lesen sie sie."),
        ("fr", "Nous nous en occupons."),
        ("en", "The. The end."),
    ],
)
def test_a_word_that_may_stand_twice_is_not(language: str, text: str) -> None:
    assert "doubled_word" not in {finding.rule for finding in lint(text, language, is_whole=False)}


def test_only_three_purposes_may_be_attached() -> None:
    _, findings = lint_letter(
        "Order {{ order_id }}", "Your invoice is attached.", "en", attachments=["invoice", "catalogue"]
    )
    assert [(finding.rule, finding.excerpt) for finding in findings] == [("attachment", "catalogue")]


def test_every_finding_is_a_rule_of_the_file_with_words_for_the_seller() -> None:
    for guideline in guidelines().values():
        assert guideline.title and guideline.explanation and guideline.suggestion and guideline.source
        assert guideline.severity in Severity
        assert guideline.since.year >= 2016


PIECES = st.sampled_from(
    ["<", ">", "<p", "<a href='", '"', "&#64;", "&", "{{ order_id }}", "{{", "]]", "@", ".com", "www.", "5 ", "+", "("]
    + ["review ", "free ", "\n", "\u200b", "ß", "ﬁ", "★", "\U0001f600", "レビュー", "高評価", "-->", "<!--"]
    + ["</style>", "<style>"]
)


@given(st.lists(PIECES | st.text(max_size=8), max_size=60), st.sampled_from(LANGUAGES))
def test_places_are_in_the_text_whatever_it_is(pieces: list[str], language: str) -> None:
    source = "".join(pieces)
    for finding in lint(source, language):
        assert 0 <= finding.start <= finding.end <= len(source)
        assert finding.excerpt == source[finding.start : finding.end]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", [rule for rule, guideline in guidelines().items() if guideline.instead])
def test_what_is_suggested_breaks_no_rule_itself(rule: str, language: str) -> None:
    wording = instead_of(Finding(0, 0, rule, Severity.BLOCKS, ""), language)
    assert wording
    assert lint(f"{wording} {{{{ order_id }}}}", language) == []
