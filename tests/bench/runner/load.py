# SPDX-License-Identifier: MIT
"""The load program, and the moments at which it waits for us."""

import json
import os
import select
import signal
import subprocess

from runner.servers import Failed

PATIENCE_SECONDS = 60


class Load:
    """One run of the load. In a with block; at its end nothing of it is left."""

    def __init__(self, bench, server, mode, *args):
        self.what = f"{mode} to {server.peer.name}"
        self.process = subprocess.Popen(
            [*bench.launch(bench.load_cpu), bench.load, mode, *map(str, args), server.address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        try:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGKILL)
        finally:
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
                try:
                    stream.close()
                except BrokenPipeError:
                    pass

    def line(self, extra_seconds=0):
        """The next line that it prints."""
        output = self.process.stdout
        if not select.select([output], [], [], PATIENCE_SECONDS + extra_seconds)[0]:
            raise Failed(f"{self.what}: no answer for {PATIENCE_SECONDS} s")
        line = output.readline()
        if not line:
            raise Failed(f"{self.what}: {self._last_words()}")
        return line.decode().strip()

    def expect(self, word):
        line = self.line()
        if line != word:
            raise Failed(f"{self.what}: it says {line} instead of {word}")

    def result(self, extra_seconds=0):
        return json.loads(self.line(extra_seconds))

    def go(self):
        """It goes on from where it waits."""
        try:
            os.write(self.process.stdin.fileno(), b"\n")
        except BrokenPipeError:
            pass  # It has ended: line() says why.

    def finish(self):
        """It closes its connections and ends, content."""
        self.process.stdin.close()
        try:
            status = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.what}: the load does not end") from None
        if status != 0:
            raise Failed(f"{self.what}: {self._last_words()}")

    def _last_words(self):
        text = self.process.stderr.read().decode(errors="replace").strip()
        return text.removeprefix("load: ") or "it ended and said nothing"
