"""Page that asks a person for the token; programs get a problem document instead."""

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response

from tunespace.server.middleware.asgi import Scope

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>tunespace: token</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 15vh auto; padding: 0 1rem }
input, button { font: inherit; padding: .5rem; width: 100%; margin-top: .5rem }
* { box-sizing: border-box }
</style>
</head>
<body>
<h1>tunespace</h1>
<p id="reason">REASON</p>
<form method="get">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Open</button>
</form>
<p>The server printed the token, and an address that contains it, when it was started.</p>
</body>
</html>
"""
_PROGRAM_PATHS = ("/api/", "/rest/", "/mcp", "/metrics")


def login_page(scope: Scope) -> Response | None:
    """Return the page for a request of a browser without the token; None for other requests."""
    accepted = Headers(scope=scope).get("accept", "")
    if scope["method"] != "GET" or "text/html" not in accepted:
        return None
    if scope["path"].startswith(_PROGRAM_PATHS):
        return None
    is_wrong = b"token=" in scope["query_string"]
    reason = "This token is wrong." if is_wrong else "This server asks for a token."
    return HTMLResponse(_PAGE.replace("REASON", reason), 401, {"cache-control": "no-store"})
