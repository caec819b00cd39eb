# SPDX-License-Identifier: MIT
"""Echo servers that are wrong in one way each, to see that the load notices.

Prints the ports of: one that changes a byte, one that sends a byte twice, one that loses one, one
that closes instead of answering. Each does it every tenth time, and else is right.
"""

import selectors
import socket

PERIOD = 10


def changed(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def doubled(data):
    return data[:1] + data


def shortened(data):
    return data[1:]


def closed(_data):
    return None


class Liar:
    def __init__(self, fault, selector):
        self.fault, self.selector, self.answers = fault, selector, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        selector.register(self.listener, selectors.EVENT_READ, self.accept)

    def accept(self, listener):
        connection, _ = listener.accept()
        self.selector.register(connection, selectors.EVENT_READ, self.answer)

    def answer(self, connection):
        try:
            data = connection.recv(4096)
            self.answers += bool(data)
            if data and self.answers % PERIOD == 0:
                data = self.fault(data)
            if data:
                connection.sendall(data)
        except OSError:
            data = None
        if not data:
            self.selector.unregister(connection)
            connection.close()


def main():
    selector = selectors.DefaultSelector()
    liars = [Liar(fault, selector) for fault in (changed, doubled, shortened, closed)]
    print(*(liar.listener.getsockname()[1] for liar in liars), flush=True)
    while True:
        for key, _ in selector.select():
            key.data(key.fileobj)


main()
