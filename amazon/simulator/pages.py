"""placeholder"""

from flask import Blueprint

from amazon.simulator.simulation import Simulation


def blueprint(simulation: Simulation) -> Blueprint:
    return Blueprint("pages", __name__)
