"""What goes into the log, and what does not even get ready for it."""

import logging

import pytest
import structlog


def test_nothing_is_made_of_an_event_that_nobody_will_see(caplog: pytest.LogCaptureFixture) -> None:
    made: list[str] = []

    def remember(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        made.append(str(event["event"]))
        return event

    processors = structlog.get_config()["processors"]
    log = structlog.wrap_logger(logging.getLogger("a test"), processors=[*processors[:-1], remember, processors[-1]])
    with caplog.at_level(logging.INFO):
        log.debug("nobody_will_see_it")
        log.info("somebody_will")
    assert made == ["somebody_will"]
