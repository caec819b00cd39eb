#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Do the clients notice what is wrong? Here are servers that are wrong in one way each, now and then,
and one that is not. The argument is the program.
"""

import random
import selectors
import socket
import sys
import threading
import time

from rounds.tormentor import WRONG, Tormentor

PERIOD, LEAST, SECONDS = 20, 64, 30


def honest(data, _place):
    return data


def corrupted(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def lost(data, place):
    return data[:place] + data[place + 1 :]


def doubled(data, place):
    return data[: place + 1] + data[place:]


def reordered(data, _place):
    half = len(data) // 2
    return data[half:] + data[:half]


def broken(_data, _place):
    return None


def silent(_data, _place):
    return b""


class Liar(threading.Thread):
    """An echo server for which a fault takes the place of an answer now and then."""

    def __init__(self, fault, seed):
        super().__init__(daemon=True)
        self.fault, self.random = fault, random.Random(seed)
        self.answers, self.closing = 0, False
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)
        self.port = str(self.listener.getsockname()[1])
        self.start()

    def run(self):
        while not self.closing:
            for key, _ in self.selector.select(0.05):
                key.data(key.fileobj)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def accept(self, listener):
        connection, _ = listener.accept()
        connection.settimeout(SECONDS)
        self.selector.register(connection, selectors.EVENT_READ, self.answer)

    def answer(self, connection):
        try:
            data = connection.recv(65536)
            if len(data) >= LEAST:
                self.answers += 1
                if self.answers % PERIOD == 0:
                    data = self.fault(data, self.random.randrange(len(data)))
            elif not data:
                data = None
            if data:
                connection.sendall(data)
        except OSError:
            data = None
        if data is None:
            self.selector.unregister(connection)
            connection.close()


def wait_for(what, condition):
    give_up = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > give_up:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.02)


def kinds(tormentor):
    return {fault["kind"] for fault in list(tormentor.faults)}


def notices(program, fault, mix, seed):
    """With each habit alone: what this server does is noticed, and called what it is."""
    liar = Liar(fault, seed)
    name = fault.__name__
    with Tormentor(program, [liar.port], 4, seed, mix, patience=1) as tormentor:
        wait_for(f"{name}, by {mix}", lambda: name in kinds(tormentor))
        total = tormentor.end()
    assert total[name] > 0, f"{name}, by {mix}: not counted: {total}"
    liar.closing = True
    liar.join()


def approves(program, mix, seed):
    """Nothing is wrong with a server that is right."""
    server = Liar(honest, seed)
    with Tormentor(program, [server.port], 4, seed, mix, patience=SECONDS) as tormentor:
        wait_for(f"messages, by {mix}", lambda: tormentor.mark()["messages"] >= 20)
        tormentor.settle()
        total = tormentor.end()
    assert not tormentor.faults, f"{mix}: {tormentor.faults[0]}"
    assert not any(total[name] for name in (*WRONG, "broken", "silent", "refused")), total
    assert total["finished"] == total["opened"] > 0, f"{mix}: not all finished: {total}"
    server.closing = True
    server.join()


def main(program):
    failed = tests = 0
    cases = [(approves, None, mix) for mix in ("talk", "bulk", "slow", "brief", "talk,slow,brief")]
    for fault in (corrupted, lost, doubled, reordered, broken):
        cases += [(notices, fault, mix) for mix in ("talk", "bulk", "slow", "brief")]
    # Who goes on sending, or ends, learns from what follows that something is lost.
    cases.append((notices, silent, "talk"))
    for seed, (test, fault, mix) in enumerate(cases):
        tests += 1
        try:
            test(program, *([fault] if fault else []), mix, seed)
        except AssertionError as error:
            print(f"check_torment: {error}", file=sys.stderr)
            failed += 1
    print(f"{100 * (tests - failed) // tests}%: Checks: {tests}, Failures: {failed}, Errors: 0")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
