from django.apps import AppConfig


class FrameConfig(AppConfig):
    """The frame as an app, for its template tags, its commands and the demo."""

    name = "feedbackfive"
