"""The one exception of the demo."""


class Trouble(Exception):
    """The demo cannot go on; the text is a sentence for the person who started it."""
