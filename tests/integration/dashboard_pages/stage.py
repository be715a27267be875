"""What a page is tried on: a dashboard's process, and a node that is told what to say and does as it is ordered."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Final

from msgspec.structs import replace
from playwright.sync_api import BrowserContext, Locator, Page

from helios_nautilus.journal.command_rows import CommandRows
from helios_nautilus.journal.commands import Answer, Command
from helios_nautilus.journal.postgres import connect
from helios_nautilus.journal.status import NodeStatus

PATIENCE_SECS: Final = 60.0
_POLL_SECS: Final = 0.1


class ScriptedNode:
    """Tells its status a few times a second and answers commands, as a node does; the test says what it tells."""

    def __init__(self, url: str, status: NodeStatus) -> None:
        self._url = url
        self._first = self._status = status
        self._changed = threading.Lock()
        self._over = threading.Event()
        self.heard: list[Command] = []
        self.is_deaf = False
        """Tells its status, but answers nothing."""
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "ScriptedNode":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def begin_anew(self) -> None:
        """Tell what was told at first, and have heard nothing."""
        with self._changed:
            self._status = self._first
        self.heard.clear()
        self.is_deaf = False

    def tell(self, **changed: object) -> None:
        """From now on the status is this."""
        with self._changed:
            self._status = replace(self._status, **changed)

    def _run(self) -> None:
        with connect(self._url) as connection:
            rows = CommandRows(connection)
            while not self._over.wait(_POLL_SECS):
                if not self.is_deaf:
                    self._answer(rows)
                with self._changed:
                    rows.put_status(replace(self._status, ts_ns=time.time_ns()))
            self._answer(rows)  # or the next test's node would hear it

    def _answer(self, rows: CommandRows) -> None:
        for letter in rows.unanswered("paper"):
            rows.put_answer(self._obey(letter.read()))

    def _obey(self, command: Command) -> Answer:
        self.heard.append(command)
        match command.verb:
            case "halt":
                self.tell(kill_state="HALT", kill_words=f"{command.who}: {command.why}", positions=())
            case "reduce_only":
                self.tell(kill_state="REDUCE_ONLY", kill_words=f"{command.who}: {command.why}")
            case "resume":
                self.tell(kill_state="NORMAL", kill_words="")
            case "entries_off" | "entries_on":
                self.tell(entries_on=command.verb == "entries_on")
            case "tier_off" | "tier_on":
                is_on = command.verb == "tier_on"
                self.tell(
                    tiers=tuple(
                        replace(tier, is_on=is_on) if tier.tier == command.tier else tier for tier in self._status.tiers
                    )
                )
        return Answer(
            command_id=command.command_id,
            ts_ns=time.time_ns(),
            run_id=self._status.run_id,
            outcome="done",
            words="2 positions are being closed" if command.verb == "halt" else "so it is",
        )


class Dashboard:
    """`helios dashboard` as its user starts it, in a process of its own; it can be stopped and started again."""

    def __init__(self, url: str, mode: str = "paper", **environ: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._mode = mode
        self._environ = {"OMP_NUM_THREADS": "1", "HELIOS_DATABASE_URL": url, **environ}
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it serves."""
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from helios_nautilus.cli.main import main; main()",
                "dashboard",
                "--port",
                str(self.port),
                "--mode",
                self._mode,
            ],
            env={**os.environ, **self._environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        deadline = time.monotonic() + PATIENCE_SECS
        while not self._answers():
            assert self._process.poll() is None, self._process.communicate()[0]
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(_POLL_SECS)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.communicate(timeout=PATIENCE_SECS)
            finally:
                self._process.kill()
            self._process = None

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=5.0):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False


class Visit:
    """A visitor with a browser of their own: opens pages, and keeps what the browser complained of."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.complaints: list[str] = []
        self._asked: list[str] = []
        self.page = context.new_page()
        self.page.set_viewport_size({"width": 1440, "height": 900})
        self.page.on("console", lambda message: message.type in ("error", "warning") and self._note(message.text))
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("request", lambda request: self._asked.append(request.url))

    def open(self, path: str) -> Page:
        """Open a page, and wait until it is connected and shows how fresh it is."""
        self.page.goto(self.url + path)
        if path != "/login":
            self.page.wait_for_function("window.did_handshake === true")
        return self.page

    def close(self) -> None:
        """Leave; fails if the browser complained, or if anything was asked of another host."""
        self.page.close()
        assert not self.complaints, self.complaints
        elsewhere = [url for url in self._asked if not url.startswith((self.url, "data:"))]
        assert not elsewhere, elsewhere

    def _note(self, words: str) -> None:
        self.complaints.append(words)


def part(page: Page, name: str) -> Locator:
    """A part of a page by its name."""
    return page.locator(f'[data-part="{name}"]')
