"""placeholder"""

from amazon.simulator.simulation import Simulation


def populate_once(simulation: Simulation) -> None:
    """placeholder"""
