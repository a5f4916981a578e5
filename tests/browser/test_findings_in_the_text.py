"""The editor marks what Amazon forbids where it stands, and says why: to the pointer, to the keyboard, on a phone."""

from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Role
from campaigns.models import Campaign
from tests.browser.conftest import SIZES, faults, overflow
from tests.browser.test_a_sellers_tour import sign_in
from tests.makers import make_campaigns, make_member, make_seller

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ASTRAL = "\U0001d400"  # one character, two units of a browser's text
FORBIDDEN = f"{ASTRAL} Hello,\n\nIf you are happy, please leave a review. Visit www.example.com soon.\n"


@pytest.fixture
def editor(page: Page, live_server: LiveServer, transactional_db: None) -> Page:
    seller = make_seller("Lakeside Outfitters")
    person = make_member(seller, Role.OWNER, "alice@example.com")
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    campaign = make_campaigns(seller, status=Campaign.Status.DRAFT)[1]
    sign_in(page, live_server, person.email)
    page.goto(live_server.url + reverse("campaign_letter_edit", kwargs={"pk": campaign.pk, "language": "en"}))
    page.get_by_label("Subject").fill("Your order {{ order_id }}")
    return page


def text_of(page: Page) -> Locator:
    return page.locator("#letter-form textarea")


def marks_of(page: Page, part: str = "textarea") -> Locator:
    return page.locator(f".marked-field:has({part}) .marks mark")


def note_of(page: Page) -> Locator:
    return page.locator(".marked-field:has(textarea) .mark-note")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_findings_are_marked_where_they_stand(editor: Page, size: str, scheme: str, tmp_path: Path) -> None:
    editor.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    editor.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    text_of(editor).fill(FORBIDDEN)
    expect(marks_of(editor)).to_have_text(["If you are happy, please leave a review", "www.example.com"])

    marks_of(editor).first.scroll_into_view_if_needed()
    box = marks_of(editor).first.bounding_box()
    assert box
    editor.mouse.move(box["x"] + 20, box["y"] + 5)
    expect(note_of(editor)).to_contain_text("This asks only happy buyers for a review")
    expect(note_of(editor)).to_contain_text("no conditional statements such as “if you are happy”")
    expect(note_of(editor)).to_contain_text("Please share your experience in a review, good or bad.")
    note = note_of(editor).bounding_box()
    assert note and note["x"] >= 0 and note["x"] + note["width"] <= SIZES[size]["width"]
    assert faults(editor) == [] and overflow(editor) == 0
    editor.screenshot(path=tmp_path / f"marked-{size}-{scheme}.png")

    editor.mouse.move(box["x"] + 20, note["y"] + 10)  # it may be read with the pointer in it
    expect(note_of(editor)).to_contain_text("happy buyers")
    editor.mouse.move(1, 1)
    expect(note_of(editor)).to_be_empty()


@pytest.mark.parametrize("size", SIZES)
def test_marks_lie_under_their_words_however_long_and_scrolled(editor: Page, size: str) -> None:
    editor.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    filler = "".join(f"Line {n} " + "with words that wrap somewhere " * (n % 5) + "\n" for n in range(60))
    text_of(editor).fill(filler + "Visit www.example.com soon.\n\n")
    expect(marks_of(editor)).to_have_text(["www.example.com"])

    editor.get_by_role("button", name="Show it in the text").click()
    assert text_of(editor).evaluate("e => e.value.slice(e.selectionStart, e.selectionEnd)") == "www.example.com"
    expect(note_of(editor)).to_contain_text("This names a website")
    layer = editor.locator(".marked-field:has(textarea) .marks")
    assert layer.evaluate("e => e.scrollTop") == text_of(editor).evaluate("e => e.scrollTop") > 0
    assert layer.evaluate("e => [e.clientWidth, e.scrollHeight]") == text_of(editor).evaluate(
        "e => [e.clientWidth, e.scrollHeight]"
    )
    mark, field = marks_of(editor).bounding_box(), text_of(editor).bounding_box()
    assert mark and field and field["y"] < mark["y"] < field["y"] + field["height"]

    text_of(editor).evaluate("e => { e.scrollTop = 0 }")
    expect(note_of(editor)).to_be_hidden()
    assert layer.evaluate("e => e.scrollTop") == 0


def test_the_keyboard_reads_the_note_and_puts_it_away(editor: Page) -> None:
    text_of(editor).fill("Hi. Visit www.example.com soon.")
    expect(marks_of(editor)).to_have_count(1)
    text_of(editor).press("Home")
    expect(note_of(editor)).to_be_empty()
    for _ in range(12):
        text_of(editor).press("ArrowRight")
    expect(note_of(editor)).to_contain_text("This names a website")
    assert note_of(editor).get_attribute("role") == "status"
    text_of(editor).press("Escape")
    expect(note_of(editor)).to_be_empty()
    text_of(editor).press("End")
    expect(note_of(editor)).to_be_empty()


def test_marks_move_with_their_words_while_somebody_types(editor: Page) -> None:
    text_of(editor).fill("Visit www.example.com soon.")
    expect(marks_of(editor)).to_have_text(["www.example.com"])
    # What is asked from now on stays unanswered: only the editor itself can move the mark.
    editor.route("**/check/", lambda route: None)
    text_of(editor).press("Home")
    editor.keyboard.type("Hello! ")
    expect(marks_of(editor)).to_have_text(["www.example.com"])
    text_of(editor).press("ArrowRight")
    for _ in range(8):
        text_of(editor).press("ArrowRight")
    editor.keyboard.type("x")
    expect(marks_of(editor)).to_have_count(0)


def test_a_late_answer_marks_the_words_that_it_was_asked_about(editor: Page) -> None:
    body = text_of(editor)
    with editor.expect_request("**/check/"):
        body.fill("Visit www.example.com soon.")
        body.press("Home")
    editor.keyboard.insert_text("Hello! ")  # before the answer, or just behind it
    expect(marks_of(editor)).to_have_text(["www.example.com"])


def test_what_stands_in_the_subject_is_marked_there(editor: Page) -> None:
    editor.get_by_label("Subject").fill("A positive review for {{ order_id }}?")
    text_of(editor).fill("How was it?")
    expect(marks_of(editor, "input")).to_have_text(["positive review"])
    expect(marks_of(editor)).to_have_count(0)


def test_tags_of_old_letters_do_not_shift_the_marks(editor: Page) -> None:
    text_of(editor).fill("  \n[[Buyer First Name]], how was [[Product Name]]? Visit www.example.com soon.")
    expect(marks_of(editor)).to_have_text(["www.example.com"])


def test_a_suggested_wording_takes_the_place_of_the_sentence_and_breaks_nothing(editor: Page) -> None:
    text_of(editor).fill(FORBIDDEN)
    editor.get_by_role("button", name="Put that in its place").first.click()
    expect(text_of(editor)).to_have_value(
        f"{ASTRAL} Hello,\n\nPlease share your experience in a review, good or bad. Visit www.example.com soon.\n"
    )
    editor.get_by_role("button", name="Replace it with {{ contact_link }}").click()
    expect(editor.get_by_text("Nothing in it breaks a rule")).to_be_visible()

    editor.get_by_label("HTML", exact=True).check()
    text_of(editor).fill("<p>Hello.</p><p>If you are happy, leave a review!</p><p>Bye.</p>")
    editor.get_by_role("button", name="Put that in its place").first.click()
    expect(text_of(editor)).to_have_value(
        "<p>Hello.</p><p>Please share your experience in a review, good or bad.</p><p>Bye.</p>"
    )

    editor.get_by_label("Subject").fill("Your order")
    editor.get_by_role("button", name="Put it in").click()
    expect(editor.get_by_text("Nothing in it breaks a rule")).to_be_visible()
    assert "{{ order_id }}" in text_of(editor).input_value()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_letter_becomes_html_and_is_seen_as_it_is_sent(editor: Page, size: str, scheme: str, tmp_path: Path) -> None:
    said: list[str] = []
    editor.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    editor.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
    editor.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    text_of(editor).fill("Hello & welcome,\n\nhow was it?\nTell us.")
    editor.get_by_label("HTML", exact=True).check()
    tagged = "<p>Hello &amp; welcome,</p>\n<p>how was it?<br>\nTell us.</p>"
    expect(text_of(editor)).to_have_value(tagged)
    editor.get_by_label("Text", exact=True).first.check()
    expect(text_of(editor)).to_have_value("Hello & welcome,\n\nhow was it?\nTell us.")

    editor.get_by_label("HTML", exact=True).check()
    text_of(editor).fill(
        '<p style="font-size: 20px">Hello</p><p class="x"><b>How was it?</b> Write a review, good or bad, at'
        ' <a href="{{ order_link }}">your order</a>.</p><p style="color: red">Bye</p>'
    )
    expect(marks_of(editor)).to_have_text(['style="color: red"'])
    letter = editor.frame_locator("#letter-checked iframe")
    expect(letter.get_by_role("link", name="your order")).to_be_visible()
    assert letter.get_by_text("Hello").evaluate("e => getComputedStyle(e).fontSize") == "20px"
    assert letter.get_by_text("Bye").evaluate("e => getComputedStyle(e).color") != "rgb(255, 0, 0)"
    expect(editor.get_by_text("Not sent, for Amazon's guidelines")).to_contain_text("class of <p>")
    editor.screenshot(path=tmp_path / f"html-{size}-{scheme}.png", full_page=True)
    editor.get_by_role("button", name="Phone").click()
    assert editor.locator(".letter-frame").evaluate("e => e.offsetWidth") <= 390
    editor.get_by_role("button", name="Plain text").click()
    expect(editor.locator(".letter-plain")).to_contain_text("your order (https://www.amazon.")
    assert faults(editor) == [] and overflow(editor) == 0 and said == []
