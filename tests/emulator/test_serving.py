"""The emulator as a program, and as a guest in another one."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import warnings

import httpx
import pytest

from kfpipe.emulator import Emulator
from tests.support.places import ROOT

PROGRAM = "from kfpipe.emulator import serve; serve(port=0, factor=50)"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_its_address_first_and_ends_in_peace(number):
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        base_url = process.stdout.readline().strip()
        assert base_url.startswith("http://127.0.0.1:")
        assert base_url.endswith("/api/v1")
        headers = {"Authorization": "Bearer sk-x"}
        assert httpx.get(f"{base_url}/tasks", headers=headers).json()["total"] == 0
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "", "")


def test_it_leaves_no_thread_no_socket_and_no_folder(bodies):
    threads = set(threading.enumerate())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Emulator(factor=100) as emulator:
            headers = {"Authorization": "Bearer sk-x", "X-DashScope-Async": "enable"}
            url = f"{emulator.base_url}/services/aigc/video-generation/video-synthesis"
            httpx.post(url, json=bodies.wan27(duration=15), headers=headers).raise_for_status()
            folder = emulator.folder
            assert folder.is_dir()
    assert set(threading.enumerate()) == threads
    assert not folder.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(emulator.base_url)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere loopback has one address")
def test_it_listens_on_one_loopback_address_alone():
    with Emulator() as emulator:
        port = int(emulator.origin.rpartition(":")[2])
        socket.create_server(("127.0.0.2", port)).close()  # is in use if it listens everywhere


def test_a_taken_port_is_an_os_error():
    with (
        Emulator() as emulator,
        pytest.raises(OSError, match="in use"),
        Emulator(port=int(emulator.origin.rpartition(":")[2])),
    ):
        pass


def test_a_misspelt_setting_is_refused():
    with pytest.raises(TypeError):
        Emulator(fctor=5)
    with pytest.raises(ValueError, match="large"):
        Emulator(film="large")
    with pytest.raises(ValueError, match="atlantis"):
        Emulator(region="atlantis")
    with pytest.raises(ValueError, match="factor"):
        Emulator(factor=0)


def test_it_answers_while_it_films(start, bodies):
    caller = start(film="moving", queue_s=0, run_s=0)
    caller.make(bodies.wan27(duration=15, resolution="1080P"))
    (task,) = caller.emulator.account.tasks()
    answers = [caller.look(task.id)["output"]["task_status"] for _ in range(20)]
    assert answers == ["RUNNING"] * 20, "a task has not succeeded before its clip is there"
    assert not task.film.done()
