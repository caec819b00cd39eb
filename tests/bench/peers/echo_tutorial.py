# SPDX-License-Identifier: MIT
"""The echo server that tutorials begin with: one connection at a time, blocking."""

import socket
import sys

port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
with socket.create_server(("127.0.0.1", port)) as listener:
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)
