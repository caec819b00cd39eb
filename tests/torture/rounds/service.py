# SPDX-License-Identifier: MIT
"""echod, to be disturbed: as a unit of the systemd that runs here, or as a process of our own."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

from rounds.tormentor import Failed

SECONDS, STEP_SECONDS = 40, 0.005


def wait_for(what, condition):
    """Asks again and again; what it is that is waited for, in the end."""
    give_up = time.monotonic() + SECONDS
    while not (value := condition()):
        if time.monotonic() > give_up:
            raise Failed(f"waited {SECONDS} s in vain: {what}")
        time.sleep(STEP_SECONDS)
    return value


def kill(pid, number):
    """False: it is dead already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


class Service:
    """
    disturb() does one thing to it, and returns how many workers that has killed. With patience it
    waits until it has happened; without, nothing is sure but that it was begun, if the service was
    in a state for it.
    """

    def __init__(self, seed):
        self.random = random.Random(seed)

    def stored(self):
        """Without systemd there is no store."""
        return 0

    def disturb(self, kind, patient):
        return getattr(self, kind.replace("-", "_"))(patient) or 0

    def kill_worker(self, _patient):
        workers = self.workers()
        if not workers:
            return 0
        pid = self.random.choice(sorted(workers))
        return 1 if kill(pid, signal.SIGKILL) else 0

    def _replaced(self, patient, before):
        """All workers of before have gone, and others are there."""
        if patient:
            wait_for("the end of the old workers", lambda: not before & self.workers())
            wait_for("new workers", self.workers)

    def upgrade(self, patient):
        before = self.workers()
        self.signal_main(signal.SIGUSR2)
        self._replaced(patient, before)


class Unit(Service):
    """A unit of systemd. Its configuration is up to the caller."""

    kinds = ("reload", "restart", "upgrade", "kill-worker", "kill-all", "reexec")

    def __init__(self, name, seed):
        super().__init__(seed)
        self.name = name

    def __str__(self):
        return self.name

    def start(self):
        self._systemctl(True, "start", self.name)

    def stop(self):
        self._systemctl(True, "stop", self.name)

    def _systemctl(self, must, *arguments):
        done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True)
        if must and done.returncode != 0:
            raise Failed(f"systemctl {' '.join(arguments)}: {done.stderr.strip()}")

    def _properties(self):
        names = "ActiveState,MainPID,ControlGroup,NFileDescriptorStore"
        done = subprocess.run(
            ["systemctl", "show", "-p", names, self.name], capture_output=True, text=True
        )
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    def is_well(self):
        properties = self._properties()
        if properties.get("ActiveState") == "failed":
            raise Failed(f"{self.name} has failed")
        return properties.get("ActiveState") == "active" and properties.get("MainPID") != "0"

    def stored(self):
        """How many descriptors systemd keeps for it."""
        return int(self._properties().get("NFileDescriptorStore", 0))

    def journal(self):
        """What it said, to journald or on standard output, as lines."""
        subprocess.run(["journalctl", "--sync"], check=True)
        done = subprocess.run(
            ["journalctl", "-u", self.name, "-o", "cat"], capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()

    def main_pid(self):
        return int(self._properties().get("MainPID", 0))

    def workers(self):
        properties = self._properties()
        path = Path("/sys/fs/cgroup" + properties.get("ControlGroup", "/none")) / "cgroup.procs"
        try:
            pids = {int(line) for line in path.read_text(encoding="ascii").split()}
        except OSError:
            return set()
        return pids - {int(properties["MainPID"])}

    def signal_main(self, number):
        name = signal.Signals(number).name[3:]
        self._systemctl(False, "kill", "-s", name, "--kill-whom=main", self.name)

    def _job(self, patient, verb):
        self._systemctl(patient, verb, *([] if patient else ["--no-block"]), self.name)

    def reload(self, patient):
        self._job(patient, "reload")

    def restart(self, patient):
        """At the very beginning of a reload echod cannot know of it, and takes SIGTERM for a stop."""
        wait_for("the end of a reload", self._does_not_reload)
        self._job(patient, "restart")

    def _does_not_reload(self):
        return self._properties()["ActiveState"] != "reloading"

    def reexec(self, patient):
        self._systemctl(patient, "daemon-reexec")

    def kill_all(self, patient):
        before, killed = self.main_pid(), len(self.workers())
        self._systemctl(False, "kill", "-s", "KILL", self.name)
        if patient:
            wait_for("another process", lambda: self.main_pid() not in (0, before))
        return killed


class Process(Service):
    """echod by itself, in the foreground. Its files are in a directory of the caller's."""

    kinds = ("reload", "upgrade", "kill-worker")

    def __init__(self, program, configuration, log, seed):
        super().__init__(seed)
        self.log = log
        self.argv = [program, "--config", str(configuration)]
        self.process = None

    def __str__(self):
        return "without systemd"

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        wait_for("a daemon that is ready", self._is_ready)

    def _is_ready(self):
        if self.process.poll() is not None:
            raise Failed(f"echod ended: {self.last_words()}")
        return any("Ready on" in line for line in self.journal())

    def journal(self):
        """What it said."""
        return Path(self.log).read_text(errors="replace").splitlines()

    def last_words(self):
        return (self.journal() or ["it said nothing"])[-1]

    def stop(self):
        """Nothing is left of it: its workers end with it."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def is_well(self):
        if self.process.poll() is not None:
            raise Failed(f"echod ended: {self.last_words()}")
        return bool(self.workers())

    def workers(self):
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return {int(pid) for pid in Path(children).read_text(encoding="ascii").split()}

    def signal_main(self, number):
        kill(self.process.pid, number)

    def reload(self, patient):
        before = self.workers()
        self.signal_main(signal.SIGHUP)
        self._replaced(patient, before)
