"""Twenty senders in one thread, so cheap that the server is what is measured. Runs as a process of its own.

`python -m benchmarks.senders HOST PORT ADDRESS MAILS (kept|new) [SESSIONS]` prints seconds, mails and latencies.
"""

import json
import random
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

_HEX = random.Random(5).randbytes(2750).hex().encode()  # shrinks by half, as a notice does
FILLER = b"\r\n" + b"".join(_HEX[at : at + 70] + b"\r\n" for at in range(0, len(_HEX), 70))
PER_CONNECTION = 50  # what the listener allows


def mail(number: int) -> bytes:
    """6 KB, and no two alike."""
    return b"From: auto-communication@amazon.com\r\nSubject: %d\r\n" % number + FILLER


@dataclass
class Session:
    """One sender's conversation, driven by the answers."""

    place: tuple[str, int]
    recipient: str
    is_kept: bool
    step: int = 0
    mails: int = 0
    began: float = 0.0
    heard: bytes = b""
    latencies: list[float] = field(default_factory=list)
    line: socket.socket = field(init=False)

    def open(self, selector: selectors.BaseSelector) -> None:
        self.line = socket.create_connection(self.place)
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.step, self.mails, self.heard = 0, 0, b""
        selector.register(self.line, selectors.EVENT_READ, self)

    def close(self, selector: selectors.BaseSelector) -> None:
        selector.unregister(self.line)
        self.line.close()

    def read(self) -> str | None:
        """The answer's first three characters, when it is whole."""
        chunk = self.line.recv(65536)
        if not chunk:
            raise ConnectionError("the listener hung up")
        self.heard += chunk
        last = self.heard.rstrip(b"\r\n").rpartition(b"\r\n")[2]
        if not self.heard.endswith(b"\r\n") or last[3:4] == b"-":
            return None
        self.heard = b""
        return last[:3].decode()


def run(place: tuple[str, int], recipient: str, count: int, *, is_kept: bool, sessions: int = 20) -> dict[str, object]:
    """Send `count` mails; every one has to be answered by 250."""
    selector, sent, done, latencies = selectors.DefaultSelector(), 0, 0, list[float]()
    lines = [
        b"EHLO bench.example\r\n",
        b"MAIL FROM:<a@b.example>\r\n",
        f"RCPT TO:<{recipient}>\r\n".encode(),
        b"DATA\r\n",
    ]
    for _ in range(sessions):
        Session(place, recipient, is_kept).open(selector)
    began = time.perf_counter()
    while done < count:
        for key, _ in selector.select(10):
            session: Session = key.data
            answer = session.read()
            if answer is None:
                continue
            if session.step == 5:
                assert answer == "250", answer
                done, session.mails = done + 1, session.mails + 1
                latencies.append(time.perf_counter() - session.began)
                if sent >= count:
                    session.close(selector)
                    continue
                if not is_kept or session.mails >= PER_CONNECTION:
                    session.close(selector)
                    session.open(selector)
                    continue
                session.step = 1
            if session.step < 4:
                assert answer in ("220", "250"), (answer, session.step)
                session.line.sendall(lines[session.step])
            else:
                assert answer == "354", answer
                sent += 1
                session.began = time.perf_counter()
                session.line.sendall(mail(sent) + b".\r\n")
            session.step += 1
    seconds = time.perf_counter() - began
    latencies.sort()
    return {"seconds": seconds, "rate": done / seconds, "p50": latencies[done // 2], "p95": latencies[int(done * 0.95)]}


if __name__ == "__main__":
    host, port, address, mails, how = sys.argv[1:6]
    many = int(sys.argv[6]) if len(sys.argv) > 6 else 20
    print(json.dumps(run((host, int(port)), address, int(mails), is_kept=how == "kept", sessions=many)))
