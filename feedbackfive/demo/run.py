"""The order of the demo's start: services, Amazon, database, world, site; then watch until told to stop."""

import time
from pathlib import Path
from typing import Any, Final

import httpx

from feedbackfive.demo import console, environment, ports, processes, readiness
from feedbackfive.demo.home import Home
from feedbackfive.demo.ports import HOST, Ports
from feedbackfive.demo.supervisor import Supervisor
from feedbackfive.devservices import Services

LOOK_EVERY: Final = 0.3  # seconds


def run(home: Home, port: int, checkout: Path) -> None:
    """Stays until KeyboardInterrupt, which signals raise. Nothing runs any more when it is left, however it is left.

    Raises Trouble and ServicesUnavailable.
    """
    began_at = time.monotonic()
    taken = ports.choose(port, patience=10 if home.had_sudden_end else 0)
    kept = environment.kept_secrets(home.folder)
    home.begin_logs()
    services = Services(home.folder)
    supervisor = Supervisor(console.say)
    try:
        console.say("Starting the database, the queue and a simulated Amazon ...")
        services.start()
        for child in services.children():
            supervisor.adopt(child, None, services.running[child.name])
        supervisor.start(processes.simulator(home, taken, checkout), environment.outer_environment())
        readiness.wait_for({"the simulated Amazon": readiness.amazon(taken)}, supervisor, logs=home.logs)
        settings = environment.site_environment(
            taken, kept=kept, services=services.environment, application=_application(taken)
        )
        console.say("Preparing the database and the demo's sellers ...")
        supervisor.run_once(processes.preparation(home, taken, checkout), settings)
        for child in processes.of_the_site(home, taken, checkout):
            supervisor.start(child, settings)
        readiness.wait_for(_probes(taken, services), supervisor, logs=home.logs)
        console.welcome(taken, home.folder, seconds=time.monotonic() - began_at)
        while True:
            supervisor.look()
            time.sleep(LOOK_EVERY)
    finally:
        supervisor.stop()
        services.stop()


def _application(taken: Ports) -> dict[str, Any]:
    world = httpx.get(f"http://{HOST}:{taken.amazon}/control/world", trust_env=False).raise_for_status().json()
    application: dict[str, Any] = world["application"]
    return application


def _probes(taken: Ports, services: Services) -> dict[str, readiness.Probe]:
    return {
        "the site": readiness.site(taken),
        "the worker": readiness.worker(services.environment["FEEDBACKFIVE_CACHE_URL"]),
        "the mail listener": readiness.listener(taken),
    }
