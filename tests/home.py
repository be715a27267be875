"""The home of tests and campaigns: the journal is in it, and it goes unless a campaign was not clean."""

import atexit
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from helios_nautilus.journal.connect import DATABASE_URL, HOME


def open_home(name: str, is_clean: Callable[[], bool] = lambda: True) -> Path:
    """Make one, for this process and those that it starts; ``is_clean`` is asked when this process ends.

    Not in the folder of a campaign or of pytest: the journal's server may run as another user, who may not enter that.
    """
    home = Path(mkdtemp(prefix=f"helios-{name}-"))
    # Registered first, called last: after the server in it has ended.
    atexit.register(_forget, home, is_clean)
    os.environ[HOME] = str(home)
    os.environ.pop(DATABASE_URL, None)
    return home


def _forget(home: Path, is_clean: Callable[[], bool]) -> None:
    if is_clean():
        shutil.rmtree(home, ignore_errors=True)
