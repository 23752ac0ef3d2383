"""A host whose certificate is not trusted gets nothing, and is named at once."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from kfpipe.cli.output import messages
from kfpipe.domain import TaskStatus
from kfpipe.errors import ServiceRefused, ServiceUntrusted
from kfpipe.provider.client import DashScope
from kfpipe.provider.codes import CERTIFICATE

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no tool here makes certificates"),
]


Served = Callable[[ssl.SSLSocket], None]


def listen_once(spoken: ssl.SSLSocket) -> None:
    spoken.recv(1)


def answer_each(spoken: ssl.SSLSocket) -> None:
    """One answer after the other, of a size that takes several pieces; the last ends with the connection.

    That is closed without a word of farewell, as many hosts do.
    """
    body = b'{"output": {"task_status": "RUNNING"}}'.ljust(100_000)
    for head in (b"Content-Length: 100000\r\n", b"Content-Length: 100000\r\n", b""):
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += spoken.recv(65536)
        spoken.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body)


@contextmanager
def host(folder: Path, serve: Served) -> Iterator[tuple[str, Path, list[None]]]:
    """The address of a server that has signed its certificate itself, that, and an item for each connection."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *made], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    listener = socket.create_server(("127.0.0.1", 0))
    met: list[None] = []

    def work() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as spoken:
                assert spoken.selected_alpn_protocol() == "http/1.1"
                met.append(None)
                serve(spoken)

    thread = threading.Thread(target=work)
    thread.start()
    yield f"https://localhost:{listener.getsockname()[1]}", certificate, met
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[str]:
    with host(tmp_path, listen_once) as (address, _, _):
        yield address


async def test_a_host_that_is_trusted_answers_on_one_connection(
    tmp_path: Path, dashscope: Callable[..., DashScope], monkeypatch: pytest.MonkeyPatch
) -> None:
    with host(tmp_path, answer_each) as (address, certificate, met):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with dashscope(f"{address}/api/v1") as client:
            for _ in range(3):
                assert (await client.look("t")).status is TaskStatus.RUNNING
        assert len(met) == 1


async def test_the_service_is_named_with_what_is_wrong_and_the_variable(
    stranger: str, dashscope: Callable[..., DashScope]
) -> None:
    async with dashscope(f"{stranger}/api/v1") as client:
        with pytest.raises(ServiceUntrusted) as untrusted:
            await client.check_account()
        with pytest.raises(ServiceRefused) as refused:
            async with client.download(f"{stranger}/clip.mp4"):
                pass
    (problem,) = messages.problems(untrusted.value)
    assert problem.what == "the certificate of localhost is not trusted: self-signed certificate"
    assert "SSL_CERT_FILE" in (problem.fix or "")
    assert refused.value.code == CERTIFICATE, "one clip's host ends no run"
