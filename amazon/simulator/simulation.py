"""What every door of the simulator shares: memory, planned troubles, quotas, journal, and where mail goes."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from amazon.simulator.faults import Faults
from amazon.simulator.journal import Journal
from amazon.simulator.quotas import Quotas
from amazon.simulator.store import Store

# The one application that sellers authorise here. Not secrets: they open nothing but this simulator.
CLIENT_ID = "amzn1.application-oa2-client.5e11e75a11d0fdeb0a7ba55a11e75a11"
CLIENT_SECRET = "amzn1.oa2-cs.v1.simulator"  # noqa: S105 - see above
APPLICATION_ID = "amzn1.sp.solution.51a01a70-0000-4000-8000-feedbackfive0"


@dataclass(slots=True)
class Simulation:
    """The running simulator. `inbound` is the product's mail listener, `site_url` the product's site."""

    store: Store
    inbound: tuple[str, int]
    site_url: str
    journal: Journal = field(default_factory=lambda: Journal(None))
    faults: Faults = field(default_factory=Faults)
    quotas: Quotas = field(default_factory=Quotas)
    mail_waiting: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        """Become a new, empty simulator on the same ports."""
        self.store.reset()
        self.faults.clear()
        self.quotas.reset()


def open_simulation(state: Path, inbound: tuple[str, int], site_url: str, journal: Path | None) -> Simulation:
    """Open (or make) the state file and everything around it."""
    return Simulation(Store(state), inbound, site_url.rstrip("/"), Journal(journal))
