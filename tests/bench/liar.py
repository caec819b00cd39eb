# SPDX-License-Identifier: MIT
"""Echo servers that are wrong in one way each, to see that the load notices.

Prints two lines of ports. Over TCP: one that changes a byte, one that sends a byte twice, one that
loses one, one that closes instead of answering. Over UDP: one that changes a byte, one that answers
twice, one that loses a byte, one that answers another peer, one that answers from another port, one
that does not answer. Each does it every tenth time, and else is right.
"""

import selectors
import socket

PERIOD = 10


def changed(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def shortened(data):
    return data[1:]


# ---- TCP ----


def doubled(data):
    return data[:1] + data


def closed(_data):
    return None


class Liar:
    def __init__(self, fault, selector):
        self.fault, self.selector, self.answers = fault, selector, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        selector.register(self.socket, selectors.EVENT_READ, self.accept)

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


# ---- UDP ----


class DatagramLiar:
    """fault(liar, data, peer) answers instead, or does not."""

    def __init__(self, fault, selector):
        self.fault, self.answers, self.last_peer = fault, 0, None
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.other_socket = socket.socket(type=socket.SOCK_DGRAM)
        self.other_socket.bind(("127.0.0.1", 0))
        selector.register(self.socket, selectors.EVENT_READ, self.answer)

    def answer(self, _socket):
        data, peer = self.socket.recvfrom(65536)
        self.answers += 1
        if self.answers % PERIOD == 0:
            self.fault(self, data, peer)
        else:
            self.socket.sendto(data, peer)
        self.last_peer = peer

    def change(self, data, peer):
        self.socket.sendto(changed(data), peer)

    def double(self, data, peer):
        self.socket.sendto(data, peer)
        self.socket.sendto(data, peer)

    def shorten(self, data, peer):
        self.socket.sendto(shortened(data), peer)

    def misdirect(self, data, _peer):
        self.socket.sendto(data, self.last_peer)

    def pretend(self, data, peer):
        self.other_socket.sendto(data, peer)

    def lose(self, _data, _peer):
        pass


def main():
    selector = selectors.DefaultSelector()
    over_tcp = [Liar(fault, selector) for fault in (changed, doubled, shortened, closed)]
    over_udp = [
        DatagramLiar(fault, selector)
        for fault in (
            DatagramLiar.change,
            DatagramLiar.double,
            DatagramLiar.shorten,
            DatagramLiar.misdirect,
            DatagramLiar.pretend,
            DatagramLiar.lose,
        )
    ]
    for liars in (over_tcp, over_udp):
        print(*(liar.socket.getsockname()[1] for liar in liars), flush=True)
    while True:
        for key, _ in selector.select():
            key.data(key.fileobj)


main()
