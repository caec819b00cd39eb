# SPDX-License-Identifier: MIT
"""Starts servers, waits until they are ready, stops them."""

import os
import select
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from runner.network import free_port

START_SECONDS, STOP_SECONDS, QUIET_SECONDS = 10, 5, 3
QUIET_STEP_SECONDS = 0.01


class Failed(Exception):
    """A server, or the load, did not do what it should: says what."""


class Place:
    """Where a server runs: its program, its port, and a directory for its files."""

    def __init__(self, program, port, directory):
        self.program, self.port, self.directory = program, port, directory
        directory.mkdir(parents=True, exist_ok=True)

    def path(self, name):
        return str(self.directory / name)

    def write(self, name, text):
        Path(self.path(name)).write_text(text, encoding="utf-8")
        return self.path(name)


class Server:
    """
    Runs from start() to stop(). With a meter, which then tells of all its processes; without, the
    start is not held up by joining a control group.
    """

    def __init__(self, bench, peer, program, meter=None):
        self.bench, self.peer, self.meter = bench, peer, meter
        self.place = Place(program, peer.fixed_port or free_port(), bench.new_directory(peer.name))
        self.process = self.exit_fd = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.kill()

    # ---- start ----

    def start(self):
        """Returns the seconds from exec to ready. Raises Failed, and then it does not run."""
        try:
            return self._start()
        except BaseException:
            self.kill()
            raise

    def _start(self):
        notify, stamp = self._notify_socket(), os.pipe()
        with open(self.place.path("log"), "wb") as log:
            self.process = subprocess.Popen(
                self._argv(stamp[1]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(notify),
                pass_fds=[stamp[1]],
                start_new_session=True,
            )
        os.close(stamp[1])
        self.exit_fd = os.pidfd_open(self.process.pid)
        if self.meter:
            self.meter.follow(self.process.pid)
        ready = self._wait_notified(notify) if notify else self._wait_reached()
        begun = os.read(stamp[0], 8)
        os.close(stamp[0])
        if len(begun) != 8:
            raise Failed(f"{self.peer.name} did not start: {self._last_words()}")
        return ready - struct.unpack("=q", begun)[0] / 1e9

    def _argv(self, stamp_fd):
        join = self.meter.join if self.meter else []
        launch = self.bench.launch(self.bench.server_cpu, f"--stamp={stamp_fd}", *join)
        return [*launch, *self.peer.command(self.place)]

    def _notify_socket(self):
        if not self.peer.notifies:
            return None
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        notify.bind(self.place.path("notify"))
        return notify

    def _environment(self, notify):
        environment = dict(os.environ)
        environment.pop("NOTIFY_SOCKET", None)
        if notify:
            environment["NOTIFY_SOCKET"] = self.place.path("notify")
        return environment

    def _wait_notified(self, notify):
        give_up = time.monotonic() + START_SECONDS
        with notify:
            while select.select([notify, self.exit_fd], [], [], give_up - time.monotonic())[0]:
                if self._ended():
                    break
                if b"READY=1" in notify.recv(65536).split(b"\n"):
                    return time.monotonic()
        raise Failed(f"{self.peer.name} did not become ready: {self._last_words()}")

    def _wait_reached(self):
        give_up = time.monotonic() + START_SECONDS
        reached = self._connects if "tcp" in self.peer.transports else self._answers
        while not self._ended() and time.monotonic() < give_up:
            if reached():
                return time.monotonic()
        raise Failed(f"{self.peer.name} did not become ready: {self._last_words()}")

    def _connects(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.place.port)) == 0

    def _answers(self):
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.settimeout(START_SECONDS / 10)
            try:
                probe.connect(("127.0.0.1", self.place.port))
                probe.send(b"?")
                return probe.recv(1) == b"?"
            except OSError:
                return False  # ECONNREFUSED, as long as nobody is there.

    def _last_words(self):
        lines = Path(self.place.path("log")).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    # ---- while it runs ----

    @property
    def address(self):
        return f"127.0.0.1:{self.place.port}"

    def _ended(self):
        return bool(select.select([self.exit_fd], [], [], 0)[0])

    def is_well(self):
        return self.process is not None and not self._ended()

    def quiet_cpu_seconds(self):
        """The CPU time so far, once it does not grow any more (or the patience is over)."""
        give_up = time.monotonic() + QUIET_SECONDS
        before = self.meter.cpu_seconds()
        while time.monotonic() < give_up:
            time.sleep(QUIET_STEP_SECONDS)
            now = self.meter.cpu_seconds()
            if now - before < 0.0002:
                return now
            before = now
        return before

    # ---- stop ----

    def stop(self):
        """Returns the seconds from SIGTERM to the end; leaves nothing behind, whatever happens."""
        if self.process is None:
            return None
        try:
            if self.meter:
                self.meter.pids()  # which else could not be told any more, for kill()
            begun = time.monotonic()
            self.process.send_signal(signal.SIGTERM)
            in_time = bool(select.select([self.exit_fd], [], [], STOP_SECONDS)[0])
            seconds = time.monotonic() - begun
        finally:
            self.kill()
        if not in_time:
            raise Failed(f"{self.peer.name} did not stop within {STOP_SECONDS} s")
        return seconds

    def kill(self):
        """Ends what is left of it."""
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.meter:
            self.meter.close()
            self.meter = None
        if self.process:
            self.process.wait()
            os.close(self.exit_fd)
            self.process = None
