"""How long does the linter take: for a template of 3 KB, and for 64 KB that somebody made to be slow?

    python -m benchmarks.linter

Goals: 5 ms and 50 ms. In CPU time, so that other work on the machine counts less.
"""

import time

from campaigns.compliance import lint

SIZE, ROUNDS = 64 * 1024, 5
PARAGRAPH = (
    "Thank you for your order {{ order_id }} of {{ product_title }}. We would like to know how it was: please share"
    " your honest experience, good or bad, in a review on Amazon. If you have a question about the product, answer this"
    " message, and we will get back to you within a day. Your invoice is attached. "
)
HOSTILE = {
    "<": "<",
    "<a": "<a ",
    "open attributes": "<a b=\"",
    "blanks in a tag": "<a" + " " * 1000,
    "comments": "<!--",
    "nested tags": "<b><i><p>",
    "entities": "&#64;&amp;&",
    "@": "@",
    "a.a": "a.",
    "dots": ".",
    "hyphens": "a-",
    "digits": "1234567890",
    "spaced digits": "1 ",
    "number words": "one two ",
    "open brackets": "((([[[{{{",
    "line ends": "\n \n",
    "reviews": "review free gift card if you happy ",
    "if you": "if you your the ",
    "stars": "★",
    "emoji": "\U0001f600",
    "zero width": "a\u200b",
    "Japanese": "レビュー高評価",
    "styles": "<p style='color:red;font-size:1px;margin:9em'>",
    "style sheet": "<style>a{b:c;/*",
    "links": "https://a.b/",
    "letters": "a",
    "words": "wort ",
    "everything at once": "a.b @ (at) [. レビュー 5 / xn--a :\n",
    "beginnings": "".join(f"satisf{n} compensat{n} testimonial{n} " for n in range(2000)),
    "closing tags": "</b>",
    "unknown tags": "<x y>",
    "pictures": "<img alt=a>",
    "other words": "".join(f"w{n} " for n in range(12000)),
}


def main() -> None:
    template = (PARAGRAPH * 12)[:3072]
    html = "<html><body>" + "".join(f"<p>{PARAGRAPH}</p>\n" for _ in range(10)) + "</body></html>"
    print(f"plain template of {len(template):,} characters: {_best(template):.2f} ms")
    print(f"HTML template of {len(html):,} characters: {_best(html):.2f} ms")
    worst = {name: _best((piece * (SIZE // len(piece) + 1))[:SIZE]) for name, piece in HOSTILE.items()}
    for name, piece in HOSTILE.items():
        worst[f"{name} in HTML"] = _best("<p>" + (piece * (SIZE // len(piece) + 1))[:SIZE])
    for name, took in sorted(worst.items(), key=lambda each: -each[1])[:12]:
        print(f"64 KB of {name}: {took:.1f} ms")


def _best(text: str) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        lint(text, "en")
        taken.append(time.process_time() - started)
    return min(taken) * 1000


if __name__ == "__main__":
    main()
