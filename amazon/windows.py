"""When Amazon lets a seller write about an order, as days from delivery. Pure."""

from datetime import timedelta
from typing import Final

EARLIEST_AFTER_DELIVERY: Final = timedelta(days=5)  # a review request (AMAZON.md 1.2)
LATEST_AFTER_DELIVERY: Final = timedelta(days=30)  # and any proactive message (AMAZON.md 6)
