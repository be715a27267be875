"""A language model behind the gate that says nothing, or thinks for so long that the market has gone on meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import msgspec

from helios_nautilus.domain.decision.schema import GateAnswer
from tests.integration.llm.apis import calling

_ANSWER: Final = GateAnswer(
    decision="APPROVE",
    reasoning="The script wants to see what comes behind the gate. It approves of everything.",
    confidence_adjustment=1.0,
    position_size_multiplier=1.0,
    risk_flags=(),
)


class SlowModel:
    """Speaks OpenAI's API on the loopback; silent until it is told how long to think."""

    def __init__(self) -> None:
        self.url = ""
        self._think_secs = 0.0
        self._speaks = threading.Event()
        self._is_over = threading.Event()

    def answer_after(self, secs: float) -> None:
        """From now on approve of every entry, so long after the question."""
        self._think_secs = secs
        self._speaks.set()

    def close(self) -> None:
        """Let go of whoever still waits for an answer."""
        self._is_over.set()
        self._speaks.set()

    def think(self) -> bytes:
        """The body of a reply, when it is time for it."""
        self._speaks.wait()
        self._is_over.wait(self._think_secs)
        return calling("openai", msgspec.json.encode(_ANSWER).decode()).body


@contextmanager
def thinking() -> Iterator[SlowModel]:
    """A model that listens."""
    model = SlowModel()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = model.think()
            with suppress(ConnectionError):  # who asked has given up, as it should
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield model
    finally:
        model.close()
        server.shutdown()
        server.server_close()
        thread.join()
