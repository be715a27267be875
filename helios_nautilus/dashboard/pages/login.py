"""The page where a token is given: plain HTML, for whoever is not known yet is served nothing that moves."""

from html import escape
from typing import Final

from helios_nautilus.dashboard.pages.frame import THEME
from helios_nautilus.journal.records import Mode

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in · {title} · Helios</title>
<link rel="icon" href="data:,">
<style>{theme} body {{ margin: 0; }} * {{ box-sizing: border-box; }}</style>
</head>
<body>
<main class="login">
<section class="panel" aria-labelledby="login-title">
<header><h1 id="login-title">Helios</h1> <span class="mode {mode}">{title}</span></header>
<form method="post" action="/session">
<label class="field">Token
<input type="password" name="token" required autofocus autocomplete="current-password"></label>
{trouble}
<button type="submit" class="act">Log in</button>
<p class="muted small">A token is made with <code>helios dashboard token add NAME --role viewer</code>.</p>
</form>
</section>
</main>
</body>
</html>
"""


def login_page(mode: Mode, trouble: str = "") -> str:
    """The page; ``trouble`` says why the last try failed. The form posts ``token`` to ``/session``."""
    told = f'<p class="answer alarm" role="alert">{escape(trouble)}</p>' if trouble else ""
    return _PAGE.format(theme=THEME, mode=mode, title=mode.upper(), trouble=told)
