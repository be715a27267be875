"""An operator's address on the loopback: keeps what is posted, and answers as told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

PATIENCE_SECS = 20.0


class Receiver:
    """What came; ``statuses`` are answered one after another, then always 200."""

    def __init__(self, *statuses: int) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self._statuses = list(statuses)
        self._grew = threading.Condition()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        with self._grew:
            self.headers.append(headers)
            self.bodies.append(body)
            self._grew.notify_all()
            return self._statuses.pop(0) if self._statuses else 200

    def until(self, kind: str, patience_secs: float = PATIENCE_SECS) -> list[dict[str, Any]]:
        """Wait for an alert of a kind; all that came by then."""
        with self._grew:
            found = self._grew.wait_for(lambda: any(each["kind"] == kind for each in self.messages()), patience_secs)
        assert found, self.messages()
        return self.messages()

    def messages(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(body) for body in self.bodies]


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    receiver = Receiver(*statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(receiver.take(dict(self.headers), body))
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook/a-secret-path"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
