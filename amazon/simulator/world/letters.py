"""Two odd letters for the demo's inbox: a forged notice and a notice that a person forwarded by hand."""

from amazon.simulator.accounts import Account
from amazon.simulator.simulation import Simulation


def queue_once(simulation: Simulation, account: Account) -> None:
    """placeholder"""
