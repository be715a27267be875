"""Who gives an order where nobody is named."""

import getpass
import os


def login_name() -> str:
    """The login name; where the system has none for its user, as in a container, that user's number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
