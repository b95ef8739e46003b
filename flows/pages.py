"""Reports, decisions and what waits for one, to be read in a browser on this machine."""

import json
from contextlib import suppress
from datetime import datetime
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tasks.errors import InputError
from tasks.reporting.folder import FOLDER, find_reports
from tasks.reporting.page import Row, fill
from tasks.reporting.review import PAGE
from tasks.storage.store import Store

HOST = "127.0.0.1"
MOST_LISTED = 200  # reports, the newest


def serve_pages(store: Store, port: int) -> str:
    """Serve a store's pages on the loopback; their address, or InputError if it cannot be."""
    try:
        server = ThreadingHTTPServer((HOST, port), partial(Pages, store))
    except OSError as error:
        told = f"--port {port} cannot be used ({error.strerror}); give another, or 0 for none"
        raise InputError(told) from error
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://{HOST}:{server.server_port}"


class Pages(SimpleHTTPRequestHandler):
    """The index, and files of reports and of the review; nothing else of the store."""

    def __init__(self, store: Store, *request: Any) -> None:
        self._store = store
        super().__init__(*request, directory=str(store.root))

    def do_GET(self) -> None:
        """Answer; a page of another host's name may not read this one's."""
        host = self.headers.get("Host", "").partition(":")[0]
        path = Path(self.translate_path(self.path))  # without its dots
        folder = path.relative_to(self.directory).parts[:1]
        if host not in (HOST, "localhost"):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path == "/":
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(index(self._store).encode())
        elif folder in ((FOLDER,), Path(PAGE).parts[:1]) and path.is_file():
            super().do_GET()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET  # noqa: N815    # the name is the library's

    def log_message(self, *_: Any) -> None:
        """Nothing: the runs are what the terminal is for."""


def index(store: Store) -> str:
    """The page that lists the reports, the newest first."""
    told = {
        "place": store.address,
        "reports": [_described(*one) for one in find_reports(store)[::-1][:MOST_LISTED]],
        "has_review": (store.root / PAGE).is_file(),
    }
    return fill("index.html.jinja", told, {})


def _described(when: datetime, folder: Path) -> Row:
    claim, about = "Its numbers cannot be read.", folder.name
    with suppress(OSError, ValueError, LookupError, TypeError):
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        claim, name = metrics["verdict"][0]["claim"], metrics["dataset"]["name"]
        classes = metrics["config"].get("classes")
        about = f"{name}: {', '.join(map(str, classes))}" if classes else f"{name}: a study"
    told = {"folder": folder.name, "when": when, "about": about, "claim": claim}
    return told | {"has_decision": (folder / "decision.html").is_file()}
