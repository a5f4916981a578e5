"""All HTTP doors in one Flask application, served by threads. The Host header is ignored: a client in use cuts it."""

import logging
import socket
import threading
from pathlib import Path

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from amazon.simulator import (
    control,
    login,
    messaging_api,
    notifications_api,
    orders_api,
    pages,
    queue_api,
    reports_api,
    sellers_api,
    selling_partner_api,
    solicitations_api,
)
from amazon.simulator.simulation import Simulation

OPERATIONS = [
    *orders_api.OPERATIONS,
    *solicitations_api.OPERATIONS,
    *messaging_api.OPERATIONS,
    *sellers_api.OPERATIONS,
    *reports_api.OPERATIONS,
    *notifications_api.OPERATIONS,
]
LARGEST = 16 * 1024 * 1024


def create_app(simulation: Simulation) -> Flask:
    """The application with its doors."""
    here = Path(__file__).parent
    app = Flask(__name__, static_folder=str(here / "static"), template_folder=str(here / "templates"))
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    app.register_blueprint(login.blueprint(simulation))
    app.register_blueprint(selling_partner_api.blueprint(simulation, OPERATIONS))
    app.register_blueprint(reports_api.documents(simulation))
    app.register_blueprint(queue_api.blueprint(simulation))
    app.register_blueprint(control.blueprint(simulation))
    app.register_blueprint(pages.blueprint(simulation))
    return app


class QuietHandler(WSGIRequestHandler):
    """No line per request, no log of our own cut connections: the page shows the calls."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def serve(app: Flask, listening: socket.socket) -> tuple[BaseWSGIServer, threading.Thread]:
    """Serve on a bound socket in a thread of its own; `shutdown()` on the server ends it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    host, port = listening.getsockname()[:2]
    server = make_server(host, port, app, threaded=True, request_handler=QuietHandler, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever, name="http", daemon=True)
    thread.start()
    return server, thread
