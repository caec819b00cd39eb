# SPDX-License-Identifier: MIT
"""The clients: a process of their own, torment.c, told what to do and heard from line by line."""

import json
import queue
import subprocess
import threading

ANSWER_SECONDS, END_SECONDS = 60, 120
WRONG = ("lost", "doubled", "reordered", "corrupted")


class Failed(Exception):
    """The test could not be made: says why."""


class Tormentor:
    """Runs from the beginning to end() or kill(). faults has all that it said was wrong so far."""

    def __init__(self, program, targets, connections, seed, mix=None, patience=None):
        more = [f"--mix={mix}"] if mix else []
        more += [f"--patience={patience}"] if patience else []
        self.connections, self.faults = connections, []
        self.answers = queue.Queue()
        self.process = subprocess.Popen(
            [program, f"--connections={connections}", f"--seed={seed}", *more, *targets],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.kill()

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "fault":
                self.faults.append(event)
            else:
                self.answers.put(event)
        self.answers.put(None)

    def _ask(self, command, event, seconds):
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            answer = self.answers.get(timeout=seconds)
        except (OSError, queue.Empty) as error:
            raise Failed(f"the clients do not answer to {command}: {error!r}") from error
        if answer is None or answer["event"] != event:
            raise Failed(f"the clients answered {command} with {answer}")
        return answer

    def mark(self):
        """All counts so far, and the waits since the last mark."""
        return self._ask("mark", "mark", ANSWER_SECONDS)

    def settle(self):
        """
        Returns when each client that waits for something has got some of it, or has a fault: how
        many connections are old enough to be safe from crashes.
        """
        return self._ask("settle", "settled", ANSWER_SECONDS)["grown"]

    def end(self):
        """Has all connections end; the counts."""
        answer = self._ask("end", "end", END_SECONDS)
        self.process.wait(ANSWER_SECONDS)
        self.reader.join(ANSWER_SECONDS)
        return answer

    def kill(self):
        """Nothing is left of it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.reader.join()
        self.process.stdout.close()
