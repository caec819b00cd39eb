#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The clients of check-haproxy.sh. Ports 7001 and 7002 lead to either server, 7003 to the one that
will be stopped, 7004 to the other. Orders come on standard input: "stopped" when the one does not
listen any more, "ended" when it is gone. Every byte is compared; anything wrong ends with status 1.
"""

import os
import socket
import sys
import threading

PROXY = "192.0.2.1"
V1, V2, DENIED = "192.0.2.11", "192.0.2.12", "192.0.2.13"
TIMEOUT_S = 30
CALLERS = 3  # for each of two ports
CALLS_AFTER_STOP = 60  # of each caller
CALLS_AT_ONCE = 2 * CALLERS
EXCHANGES_AFTER_STOP = 100
HELD = 5

stopped = threading.Event()
lock = threading.Lock()
faults = []
counts = {"calls": 0, "calls after the stop": 0, "never accepted": 0}


def fault(text):
    with lock:
        faults.append(text)


def count(what):
    with lock:
        counts[what] += 1


def connect(source, port):
    return socket.create_connection((PROXY, port), timeout=TIMEOUT_S, source_address=(source, 0))


def receive(sock, size):
    """What comes until the end, or SIZE bytes have come."""
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            break
        data += piece
    return data


def exchange(sock, size=1000):
    sent = os.urandom(size)
    sock.sendall(sent)
    got = receive(sock, size)
    if got != sent[:len(got)]:
        raise ValueError("other bytes came back than were sent")
    if len(got) < size:
        raise ConnectionError(f"the end after {len(got)} of {size} bytes")


def finish(sock):
    sock.shutdown(socket.SHUT_WR)
    if sock.recv(1):
        raise ValueError("bytes that were never sent")
    sock.close()


def call(source, port):
    """One connection from its beginning to its end."""
    begun_after = stopped.is_set()
    answered = False
    try:
        with connect(source, port) as sock:
            exchange(sock, 1)
            answered = True
            exchange(sock, 20000)
            finish(sock)
    except (OSError, ValueError) as error:
        if begun_after or answered or isinstance(error, ValueError):
            fault(f"call from {source} to port {port}: {error!r}, answered: {answered}, "
                  f"begun after the stop: {begun_after}")
        else:  # The stop met it in the queue of the listener, which the kernel resets.
            count("never accepted")
    count("calls after the stop" if begun_after else "calls")


def caller(source, port):
    while not stopped.is_set() and not faults:
        call(source, port)
    for _ in range(CALLS_AFTER_STOP):
        call(source, port)


def talker(port, begun):
    """A connection that is never silent: it is served to its end."""
    try:
        sock = connect(V1, port)
        exchange(sock)
        begun.wait()
        while not stopped.is_set():
            exchange(sock)
        for _ in range(EXCHANGES_AFTER_STOP):
            exchange(sock)
        finish(sock)
    except (OSError, ValueError) as error:
        fault(f"busy connection to port {port}: {error!r}")


def hold(port):
    socks = [connect(V2, port) for _ in range(HELD)]
    for sock in socks:
        exchange(sock)
    return socks


def check_denied():
    """Kept out: not a byte comes back, however it ends."""
    try:
        with connect(DENIED, 7003) as sock:
            sock.sendall(b"x")
            if sock.recv(1):
                fault("the denied client got an answer")
    except ConnectionError:
        pass


def check_held(ending, staying):
    """After the end of the one server: what it held has ended, in order; the other's goes on."""
    try:
        for sock in ending:
            if sock.recv(1):
                fault("bytes that were never sent")
        for sock in staying:
            exchange(sock)
            finish(sock)
    except (OSError, ValueError) as error:
        fault(f"held connection: {error!r}")


def await_order(order):
    line = sys.stdin.readline().strip()
    if line != order:
        sys.exit(f"{line!r} where {order!r} was due")


def main():
    check_denied()
    ending, staying = hold(7003), hold(7004)
    begun = threading.Barrier(3)
    threads = [threading.Thread(target=talker, args=(port, begun)) for port in (7003, 7004)]
    threads += [threading.Thread(target=caller, args=way)
                for way in ((V1, 7001), (V2, 7002)) for _ in range(CALLERS)]
    for thread in threads:
        thread.daemon = True
        thread.start()
    begun.wait(TIMEOUT_S)
    while counts["calls"] < 50 and not faults:
        stopped.wait(0.01)
    print("ready", flush=True)
    await_order("stopped")
    stopped.set()
    await_order("ended")
    check_held(ending, staying)
    for thread in threads:
        thread.join()
    print(", ".join(f"{name}: {number}" for name, number in counts.items()))
    print("\n".join(faults[:20]))
    sys.exit(1 if faults or counts["never accepted"] > CALLS_AT_ONCE else 0)


main()
