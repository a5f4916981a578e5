"""Who is who in the demo. The people here; their shops are the simulated Amazon's.

None of this protects anything: the demo listens on the loopback interface only.
"""

from dataclasses import dataclass
from typing import Final

PASSWORD: Final = "feedback-five-demo"  # noqa: S105  printed when the demo is ready


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Team:
    """The people of the shop that Amazon knows by `store_name`.

    `has_confirmed_mailbox`: the owner has told the site which mailbox forwards its notices. Where he has not, they
    stop this seller only, and the site asks him.
    """

    store_name: str
    owner: Person
    manager: Person
    viewer: Person
    has_confirmed_mailbox: bool
    in_other_regions: tuple[str, ...] = ()  # its further stores, by the names that Amazon knows
    mistyped: str = ""  # the store whose sender address the owner has typed wrongly


TEAMS: Final = (
    Team(
        "Lakeside Outfitters",
        owner=Person("Alice", "alice@lakeside.example"),
        manager=Person("Bob", "bob@lakeside.example"),
        viewer=Person("Vera", "vera@lakeside.example"),
        has_confirmed_mailbox=True,
    ),
    Team(
        "Bottega Chiaro",
        owner=Person("Chiara", "chiara@bottega.example"),
        manager=Person("Matteo", "matteo@bottega.example"),
        viewer=Person("Giulia", "giulia@bottega.example"),
        has_confirmed_mailbox=True,
    ),
    Team(
        "Pennine Pantry",
        owner=Person("Harriet", "harriet@pennine.example"),
        manager=Person("George", "george@pennine.example"),
        viewer=Person("Isla", "isla@pennine.example"),
        has_confirmed_mailbox=False,
    ),
    Team(
        "Coral Tide",
        owner=Person("Cleo", "cleo@coral-tide.example"),
        manager=Person("Nuno", "nuno@coral-tide.example"),
        viewer=Person("Ines", "ines@coral-tide.example"),
        has_confirmed_mailbox=False,
        in_other_regions=("Coral Tide UK", "Coral Tide Australia"),
        mistyped="Coral Tide UK",
    ),
)
OPERATOR: Final = Person("Olga", "olga@feedbackfive.example")
SECOND_OPERATOR: Final = Person("Otto", "otto@feedbackfive.example")  # approves what Olga asks to be revoked
