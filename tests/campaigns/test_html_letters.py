"""Letters that are written as HTML: what is sent of them, the same as plain text, and hostile values within."""

import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.compliance import lint_letter
from campaigns.html_body import LONGEST, allowed, as_text, left_out
from campaigns.rendering import PLACEHOLDERS, Source, UnknownPlaceholder, check, clean_title, render
from messaging.letters import Letter

VALUES = {name: f"<{name}>" for name in PLACEHOLDERS} | {
    "order_id": "111-1111111-1111111",
    "order_link": "https://www.amazon.com/o?a=1&b=2",
    "contact_link": "https://www.amazon.com/c",
}


def html_letter(body: str, **values: str) -> Letter:
    return render(Source("Your order", body, is_html=True), VALUES | values)


def inner(letter: Letter) -> str:
    return letter.html.removeprefix("<html><body>\n").removesuffix("</body></html>\n")


def test_html_is_sent_as_html_and_as_the_same_in_plain_text() -> None:
    letter = html_letter(
        "<h2>Hello</h2>\n<p>Your order {{ order_id }}: <b>{{ product_title }}</b>.<br>How was it?</p>\n"
        '<ul>\n<li>one</li><li>two &amp; a half</li></ul><p>See <a href="{{ order_link }}">your order</a>.</p>',
        product_title="Mug",
    )
    assert inner(letter) == (
        "<h2>Hello</h2>\n<p>Your order 111-1111111-1111111: <b>Mug</b>.<br>How was it?</p>\n"
        "<ul>\n<li>one</li><li>two &amp; a half</li></ul>"
        '<p>See <a href="https://www.amazon.com/o?a=1&amp;b=2">your order</a>.</p>\n'
    )
    assert letter.text == (
        "Hello\n\nYour order 111-1111111-1111111: Mug.\nHow was it?\n\n- one\n- two & a half\n\n"
        "See your order (https://www.amazon.com/o?a=1&b=2).\n"
    )


def test_a_link_in_the_text_can_be_clicked_and_is_never_within_another() -> None:
    letter = html_letter('{{ order_id }} {{ order_link }} <a href="{{ contact_link }}">{{ contact_link }}</a>')
    assert inner(letter) == (
        '111-1111111-1111111 <a href="https://www.amazon.com/o?a=1&amp;b=2">https://www.amazon.com/o?a=1&amp;b=2</a>'
        ' <a href="https://www.amazon.com/c">https://www.amazon.com/c</a>\n'
    )
    assert letter.text == "111-1111111-1111111 https://www.amazon.com/o?a=1&b=2 https://www.amazon.com/c\n"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("<script>alert(1)</script><p>x</p>", "<p>x</p>"),
        ("<p onclick=alert(1) class=a id=b>x</p>", "<p>x</p>"),
        ('<p style="color:red;font-size:14px;background:url(//x.example)">x</p>', '<p style="font-size:14px">x</p>'),
        ('<center><font face="Arial">x</font></center>', "x"),
        ('<a href="https://evil.example/">x</a>', "<a>x</a>"),
        ('<a href="https://evil.example\\.amazon.com/">x</a>', "<a>x</a>"),
        ('<a href="javascript:alert(1)">x</a>', "<a>x</a>"),
        ('<a href="http://www.amazon.com/">x</a>', "<a>x</a>"),
        ('<a href="https://www.amazon.de/help">x</a>', '<a href="https://www.amazon.de/help">x</a>'),
        ('<img src="http://x.example/a.png" alt="Our mark">', '<img alt="Our mark">'),
        ('<img src="https://x.example/a.png" alt="Our mark" width="80%" srcset="https://y.example/b 2x">',
         '<img src="https://x.example/a.png" alt="Our mark" width="80%">'),
        ("<form action=x><input value=1><button>Go</button></form>", "Go"),
        ("<svg><script>1</script></svg><iframe src=x></iframe>x", "x"),
        ("<html><head><title>t</title><style>p{color:red}</style></head><body><p>x</p></body></html>", "<p>x</p>"),
        ("<p><b>x", "<p><b>x</b></p>"),
        ("<!-- {{ order_id }} -->x", "x"),
    ],
)  # fmt: skip
def test_nothing_is_sent_but_what_amazon_allows(written: str, sent: str) -> None:
    assert allowed(written) == sent


def test_the_order_id_is_always_in_the_message_and_where_a_buyer_sees_it() -> None:
    for body in ("<p>How was it?</p>", "<!-- {{ order_id }} --><p>x</p>", "<style>{{ order_id }}</style>x", "<script>"):
        letter = html_letter(body)
        assert "<p>111-1111111-1111111</p>" in letter.html
        assert letter.text.endswith("111-1111111-1111111\n")
    assert html_letter("<p>{{ order_id }}</p>").html.count("111-1111111-1111111") == 1


@pytest.mark.parametrize("is_html", [False, True])
def test_a_subject_that_is_cut_takes_no_order_id_out_of_the_message(is_html: bool) -> None:
    source = Source("{{ product_title }} {{ order_id }}", "How was it?", is_html)
    letter = render(source, VALUES | {"product_title": "word " * 40})
    assert "111-1111111-1111111" not in letter.subject
    assert "111-1111111-1111111" in letter.text and "111-1111111-1111111" in letter.html


@pytest.mark.parametrize(
    "body",
    [
        '<img src="https://x.example/{{ order_id }}.png" alt="x">',
        '<img alt="{{ product_title }}">',
        '<a href="https://www.amazon.com/{{ asin }}">x</a>',
        '<a href="{{ order_link }}&x={{ sku }}">x</a>',
        '<a href="{{ product_title }}">x</a>',
        '<p {{ order_id }}="x">x</p>',
        '<p style="font-size:{{ quantity }}px">x</p>',
        "<p>{{ buyer_name }}</p>",
        "<p>&#123;&#123; buyer_name }}</p>",
        "<p>{{ order_<b>id</b> }}</p>",
    ],
)
def test_a_placeholder_stands_in_the_text_or_is_a_link_and_nothing_else(body: str) -> None:
    with pytest.raises(UnknownPlaceholder):
        check(Source("Hi", body, is_html=True))


def test_what_is_not_sent_is_told() -> None:
    written = '<div class="a"><center>x</center><script>1</script><p class="b" style="margin:1px">x</p><img src=x>'
    assert left_out(written) == ["class of <div>", "<center>", "<script>", "class of <p>", "src of <img>"]


PIECES = st.sampled_from(
    ["<", ">", "<b>", "</p>", "<script>", "</a>", "<a href='https://x.example'>", '"', "'", "&lt;", "&#60;", "&", "-->"]
    + ["<!--", "{{ order_link }}", "{{", "}}", "javascript:", " onclick=", "\x00", "\u2028", "\r\n", "[Important]"]
    + ["www.", ".com", "https://", "555-123-4567", "\U0001f600"]
)
HOSTILE = st.lists(PIECES | st.text(max_size=6), max_size=25).map("".join)
BODY = (
    '<p title=x>{{ product_title }} of <b>{{ order_id }}</b></p><ul><li>{{ product_title_short }}</li></ul>'
    '<a href="{{ order_link }}">{{ store_name }}</a> {{ contact_link }} {{ sku }}'
)


class Tags(HTMLParser):
    """The tags of a text with their attributes, as Python reads them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_value_ever_becomes_markup(title: str, store: str, sku: str) -> None:
    tame = html_letter(BODY)
    letter = html_letter(BODY, product_title=title, product_title_short=title, store_name=store, sku=sku)
    assert Tags(letter.html).found == Tags(tame.html).found
    assert "111-1111111-1111111" in letter.text and not set("\0\r") & set(letter.text)


@given(HOSTILE)
@example(".com.com")
@example("a" * 51 + " shop.community")
def test_no_title_brings_into_an_html_letter_what_the_linter_forbids(title: str) -> None:
    letter = html_letter(BODY, product_title=clean_title(title), product_title_short=clean_title(title, 60), sku="A-1",
                         store_name="Lakeside", contact_link="https://www.amazon.com/c")  # fmt: skip
    forbidden = {"bare_domain", "external_link", "email_address", "phone_number", "emoji", "important_keyword"}
    _, of_body = lint_letter(letter.subject, letter.html, "en", is_html=True)
    assert not forbidden & {finding.rule for finding in of_body}


@given(HOSTILE)
def test_whatever_is_written_is_sent_safe_or_refused(body: str) -> None:
    source = Source("Hi", body, is_html=True)
    try:
        check(source)
    except UnknownPlaceholder:
        return
    letter = render(source, VALUES)
    for tag, attributes in Tags(letter.html).found:
        assert tag in {"html", "body", "p", "b", "a"}
        for name, value in attributes:
            assert name == "href" and value and value.startswith("https://www.amazon.")
    assert allowed(inner(letter)).strip() == inner(letter).strip()


@pytest.mark.parametrize("piece", ["<b><i><p>", "<div>", "<table><a><td>", "<", "<p a=b style='x:y'>", "&amp;", "<a>"])
def test_hostile_markup_costs_little_and_never_grows_without_end(piece: str) -> None:
    body = (piece * 20_000)[:20_000]
    started = time.process_time()
    try:
        check(Source("Hi", body, is_html=True))
    except UnknownPlaceholder:
        pass
    else:
        assert len(render(Source("Hi", body, is_html=True), VALUES).html) < LONGEST + 200
    assert time.process_time() - started < 2


def test_plain_text_has_no_more_than_one_empty_line_and_no_blanks_at_line_ends() -> None:
    assert as_text("<p>a </p>\n\n<p> </p>\n\n<div>\n <p> b</p></div>") == "a\n\nb"
    assert as_text('<p>See <img src="https://x.example/a.png" alt="our mark">.</p>') == "See our mark ."
    assert as_text("<table><tr><td>a</td><td>b</td></tr></table>") == "a\nb"
