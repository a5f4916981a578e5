"""Placeholders become a letter; titles are hostile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.compliance import lint_letter
from campaigns.rendering import PLACEHOLDERS, Source, UnknownPlaceholder, check, clean_title, render
from campaigns.starting import CHECK_IN_TEMPLATES

VALUES = {name: f"<{name}>" for name in PLACEHOLDERS} | {
    "order_id": "111-1111111-1111111",
    "order_link": "https://www.amazon.com/o?a=1&b=2",
}


def test_every_value_is_escaped_for_the_part_where_it_stands() -> None:
    letter = render(Source("{{ sku }}", "{{ order_id }} {{ product_title }}"), VALUES | {"product_title": "<b>&\"'"})
    assert letter.text == "111-1111111-1111111 <b>&\"'\n"
    assert "<b>" not in letter.html and "&lt;b&gt;&amp;&quot;&#x27;" in letter.html


def test_what_the_seller_writes_is_text_not_html() -> None:
    letter = render(Source("Hi", "<script>alert(1)</script> {{ order_id }}"), VALUES)
    assert "<script>" not in letter.html and "<script>" in letter.text


def test_links_can_be_clicked_in_html_and_read_in_text() -> None:
    letter = render(Source("Hi", "{{ order_id }}: {{ order_link }}"), VALUES)
    assert '<a href="https://www.amazon.com/o?a=1&amp;b=2">' in letter.html
    assert "https://www.amazon.com/o?a=1&b=2" in letter.text


def test_the_order_id_is_always_in_the_message() -> None:
    letter = render(Source("Hi", "No id here"), VALUES)
    assert "111-1111111-1111111" in letter.text and "111-1111111-1111111" in letter.html


def test_a_placeholder_may_stand_without_blanks() -> None:
    assert render(Source("{{order_id}}", "x"), VALUES).subject == "111-1111111-1111111"


@pytest.mark.parametrize(
    "body", ["{{ buyer_name }}", "{{ order_id", "order_id }}", "{{}}", "{{ order-id }}", "{{  x  }}"]
)
def test_an_unknown_placeholder_is_an_error(body: str) -> None:
    with pytest.raises(UnknownPlaceholder):
        check(Source("Hi", body))


def test_a_value_that_looks_like_a_placeholder_is_only_text() -> None:
    letter = render(Source("Hi", "{{ product_title }}"), VALUES | {"product_title": "{{ contact_link }}"})
    assert "{{ contact_link }}" in letter.text


@pytest.mark.parametrize("language", CHECK_IN_TEMPLATES)
def test_the_templates_that_we_ship_render_with_the_order_id(language: str) -> None:
    letter = render(Source(*CHECK_IN_TEMPLATES[language]), VALUES)
    assert "111-1111111-1111111" in letter.subject and "{{" not in letter.text + letter.html + letter.subject


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Mug", "Mug"),
        ("Mug\r\nBcc: all@example.com", "Mug Bcc"),
        ("Mug  visit https://evil.example/x now", "Mug visit now"),
        ("Mug www.evil.example", "Mug"),
        ("[Important] Mug", "(Important) Mug"),
        ("Mug \u202egnp.exe", "Mug gnp.exe"),
        ("Mug, call 555-123-4567 or write to a (at) b (dot) com", "Mug, call or write to"),
        ("Mug for every.home\U0001f600", "Mug for every.home"),
        ("Mug \u0435xample\u200b.com/x", "Mug"),
        ("5 ml, 2.5 in, USB-C 3.0, IP67 (EAN 4006381333931)", "5 ml, 2.5 in, USB-C 3.0, IP67 (EAN 4006381333931)"),
        ("Mug <b>blue</b> <script>alert(1)</script>", "Mug blue alert(1)"),
        ("Mug www.<b>www", "Mug"),
        ("Mug <<i>b>www", "Mug < b>www"),
        ("Fits < 5 cm and > 3 cm", "Fits < 5 cm and > 3 cm"),
        ("", ""),
    ],
)
def test_a_title_is_cleaned_before_it_is_put_in(title: str, expected: str) -> None:
    assert clean_title(title) == expected


HOSTILE = st.sampled_from(
    ["www", ".", "com", "http://", "x@", "(at)", "[", "]", "Important", "555", "-", "1234567", " ", "\U0001f600", "<b>"]
)


@given(st.lists(HOSTILE | st.text(max_size=6), max_size=30))
def test_no_title_brings_into_a_letter_what_the_linter_forbids(pieces: list[str]) -> None:
    titles = {"product_title": clean_title("".join(pieces)), "product_title_short": clean_title("".join(pieces), 60)}
    body = "How was {{ product_title }}, or {{ product_title_short }}? Please leave a review. {{ order_id }}"
    letter = render(Source("{{ product_title_short }}", body), VALUES | titles)
    forbidden = {"bare_domain", "external_link", "email_address", "phone_number", "emoji", "important_keyword"}
    of_subject, of_body = lint_letter(letter.subject, letter.text, "en")
    assert not forbidden & {finding.rule for finding in [*of_subject, *of_body]}


def test_a_long_title_is_cut_and_says_so() -> None:
    assert len(clean_title("word " * 500)) <= 200 and clean_title("word " * 500).endswith("…")


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_value_ever_breaks_the_subject_line_or_the_markup(title: str, store: str) -> None:
    values = VALUES | {"product_title": title, "store_name": store, "sku": ""}
    letter = render(Source("{{ product_title }} {{ store_name }}", "{{ order_id }} {{ product_title }}"), values)
    assert not set("\r\n\0") & set(letter.subject)
    assert "<" not in letter.html.replace("<html><body>", "").replace("<p>", "").replace("</p>", "").replace(
        "</body></html>", ""
    ).replace("<br>", "")
