"""A bucket of the tests' S3 server, and machines that use it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

from tasks.storage import remote


@dataclass
class S3Server:
    """An S3 server on this machine, which notes what it is asked, and refuses what it is told to.

    A request is its method, path and query, as in `PUT /bucket/key?partNumber=1`.
    """

    application: Callable[..., Iterable[bytes]]
    refuses: Callable[[str], bool] = lambda request: False
    requests: list[str] = field(default_factory=list)

    def __call__(
        self, environment: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path, query = environment["PATH_INFO"], environment["QUERY_STRING"]
        self.requests.append(f"{environment['REQUEST_METHOD']} {path}?{query}")
        if not self.refuses(self.requests[-1]):
            return self.application(environment, start_response)
        environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
        start_response("403 Forbidden", [("Content-Type", "application/xml")])
        return [b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"]


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[tuple[S3Server, str]]:
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    application = S3Server(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield application, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def s3_server(
    _s3_server: tuple[S3Server, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[S3Server]:
    """Whatever uses S3, in this process or in others, uses this server, which refuses nothing."""
    server, endpoint = _s3_server
    monkeypatch.setattr(server, "refuses", lambda request: False)
    monkeypatch.setattr(server, "requests", [])
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "no-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return server


class Bucket:
    """A bucket of the tests' server, seen by another client than the project's."""

    def __init__(self) -> None:
        self.name = f"bucket-{uuid4().hex}"
        self.client = boto3.client("s3")
        self.client.create_bucket(Bucket=self.name)

    @property
    def address(self) -> str:
        return f"s3://{self.name}/some/prefix"

    def names(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return [one["Key"].removeprefix("some/prefix/") for one in found]

    def read(self, name: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=f"some/prefix/{name}")["Body"].read()

    def write(self, name: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=f"some/prefix/{name}", Body=content)

    def copy(self, folder: Path) -> None:
        """Hold what a folder holds."""
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                self.write(path.relative_to(folder).as_posix(), path.read_bytes())

    def delete(self, name: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=f"some/prefix/{name}")

    def unfinished_uploads(self) -> list[Any]:
        return self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])


@pytest.fixture
def bucket(s3_server: S3Server) -> Bucket:
    return Bucket()


@pytest.fixture
def on_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Go on as a new process on a machine of this name, which has a cache of its own."""

    def start(name: str) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        monkeypatch.setattr(remote, "_complete", set())

    start("first")
    return start
