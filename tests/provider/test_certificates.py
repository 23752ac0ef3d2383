"""A host whose certificate is not trusted gets nothing, and is named at once."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from kfpipe.cli.output import messages
from kfpipe.errors import ServiceRefused, ServiceUntrusted
from kfpipe.provider.client import DashScope
from kfpipe.provider.codes import CERTIFICATE

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no tool here makes certificates"),
]


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[str]:
    """The address of a server that has signed its certificate itself."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *made], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as spoken:
                spoken.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"https://localhost:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


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
