"""The frame: settings, addresses, the Celery timetable and what holds the six floors together."""

from feedbackfive.celery import app as celery_app

__all__ = ["celery_app"]
