"""How fast a running dashboard is: ``python -m benchmarks.dashboard http://127.0.0.1:8080 --pid PID``.

First loads are those of a browser that was never there; pages and API are asked for by a program. With ``--pid``, of
the dashboard's process, its processor time for a load or a page is told too: that depends little on the machine's load.
"""

import os
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import click
import numpy as np
from msgspec import Struct
from playwright.sync_api import Browser, sync_playwright

_PAGES: Final = ("/", "/trades", "/decisions", "/events", "/controls")
_ANSWERS: Final = ("/api/v1/status", "/api/v1/metrics", "/api/v1/equity?span=1D", "/api/v1/decisions")
_ANSWERED_ANEW_SECS: Final = 1.0
"""An answer of the API that is younger goes out again."""
_FIRST_PAINT: Final = "performance.getEntriesByName('first-contentful-paint').map(each => each.startTime / 1e3)[0]"


class _Timed(Struct, frozen=True, kw_only=True):
    secs: list[float]
    processor_secs: float | None
    """Of the dashboard, for one of them."""

    def words(self) -> str:
        p50, worst = np.median(self.secs), max(self.secs)
        own = "" if self.processor_secs is None else f", processor {self.processor_secs * 1e3:.0f} ms"
        return f"p50 {p50:.3f} s, slowest {worst:.3f} s of {len(self.secs)}{own}"


@click.command()
@click.argument("url")
@click.option("--pid", type=int, help="Of the dashboard's process.")
@click.option("--loads", type=click.IntRange(1), default=10, show_default=True, help="Of a browser.")
@click.option("--count", type=click.IntRange(1), default=20, show_default=True, help="Of each page and answer.")
def main(url: str, pid: int | None, loads: int, count: int) -> None:
    """Load the overview in new browsers, ask for pages and answers, and print how long that took."""
    click.echo(f"load {os.getloadavg()[0]:.1f}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        painted = list[float]()
        whole = _time(lambda: painted.append(_load(browser, url)), loads, pid)
        browser.close()
    click.echo(f"{'first figures':28} {_Timed(secs=painted, processor_secs=None).words()}")
    click.echo(f"{'whole and connected':28} {whole.words()}")
    for path in _PAGES:
        click.echo(f"{path:28} {_time(partial(_fetch, url + path), count, pid).words()}")
    for path in _ANSWERS:
        click.echo(f"{path:28} {_time(partial(_fetch, url + path), count, None, _ANSWERED_ANEW_SECS).words()}")


def _load(browser: Browser, url: str) -> float:
    """Seconds until a browser that was never there shows figures; it returns when all is there and connected."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(url, wait_until="commit")
    page.locator('[data-part="tiers"] tbody tr').first.wait_for()
    page.wait_for_function("window.did_handshake === true")
    painted: float = page.evaluate(_FIRST_PAINT)
    context.close()
    return painted


def _fetch(url: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})) as reply:
        reply.read()


def _time(call: Callable[[], None], count: int, pid: int | None, pause_secs: float = 0.0) -> _Timed:
    before = _processor_secs(pid)
    secs = list(_seconds(call, count, pause_secs))
    after = _processor_secs(pid)
    own = None if before is None or after is None else (after - before) / count
    return _Timed(secs=secs, processor_secs=own)


def _seconds(call: Callable[[], None], count: int, pause_secs: float) -> Iterator[float]:
    for _ in range(count):
        time.sleep(pause_secs)
        began = time.monotonic()
        call()
        yield time.monotonic() - began


def _processor_secs(pid: int | None) -> float | None:
    """What a process has used so far."""
    if pid is None:
        return None
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
