"""One mail asks little of the DNS, and waits for little, whatever its writers have put into it."""

from dataclasses import replace

import pytest

from optouts.authenticity import DnsTrouble
from optouts.decisions import Grade
from optouts.examination import examine
from optouts.patience import MOST_NAMES, MOST_SECONDS, Patience
from tests.notices.builder import EVIL, GOOGLE, FakeDns, Mail, Seller, attached, signed
from tests.notices.sealing import Sealer


def originals(count: int, *, signatures: int) -> list[bytes]:
    """Mails of a stranger's, each signed with keys at names of its own."""
    mails = []
    for number in range(count):
        raw = Mail(sender="x@evil.example", body=f"{number}").build()
        for key in range(signatures):
            raw = replace(EVIL, selector=f"s{number}-{key}").sign(raw)
        mails.append(raw)
    return mails


class SlowDns(FakeDns):
    """Answers after `seconds` of a clock that only it moves."""

    def __init__(self, seconds: float) -> None:
        super().__init__(missing=True)
        self.seconds, self.clock = seconds, 0.0

    def txt(self, name: str, /) -> bytes | None:
        self.clock += self.seconds
        return super().txt(name)


def test_a_mail_with_hundreds_of_signatures_asks_for_twenty_names() -> None:
    dns = FakeDns(missing=True)
    examine(attached(*originals(45, signatures=8)), resolver=dns, context=Seller().context())

    assert len(dns.asked) == len(set(dns.asked)) == MOST_NAMES


def test_seals_count_with_the_signatures() -> None:
    dns = FakeDns(missing=True)
    raw = signed(replace(Mail(body="x"), to="a@b.example"))
    sealed = [Sealer(replace(GOOGLE, selector=f"s{number}")).seal(raw + b"spoilt\r\n") for number in range(45)]
    examine(attached(*sealed), resolver=dns, context=Seller().context())

    assert len(dns.asked) == MOST_NAMES


def test_many_forwarded_notices_cost_one_question() -> None:
    dns = FakeDns()
    notices = [signed(replace(Mail(body="x"), message_id=f"<{number}@x>")) for number in range(45)]
    examine(attached(*notices), resolver=dns, context=Seller().context())

    assert len(dns.asked) == 1


def test_a_notice_below_the_bound_waits_as_if_its_key_could_not_be_looked_up() -> None:
    dns = FakeDns()
    (finding,) = examine(
        attached(*originals(MOST_NAMES, signatures=1), signed()), resolver=dns, context=Seller().context()
    )

    assert finding.grade is Grade.T and len(dns.asked) == MOST_NAMES


@pytest.mark.parametrize(("seconds", "asked"), [(0.1, MOST_NAMES), (1.0, 5), (4.9, 2), (5.0, 1)])
def test_what_has_been_waited_for_bounds_what_is_asked(seconds: float, asked: int) -> None:
    dns = SlowDns(seconds)
    patience = Patience(dns, monotonic=lambda: dns.clock)
    troubles = 0
    for number in range(100):
        try:
            patience.txt(f"{number}.")
        except DnsTrouble:
            troubles += 1

    assert len(dns.asked) == asked and troubles == 100 - asked
    assert dns.clock < 2 * MOST_SECONDS


def test_each_name_is_asked_once_and_its_trouble_is_told_again() -> None:
    dns = FakeDns(trouble=True)
    patience = Patience(dns)
    for _ in range(3):
        with pytest.raises(DnsTrouble, match="SERVFAIL"):
            patience.txt("a.")

    assert dns.asked == ["a."]
