# SPDX-License-Identifier: MIT
"""An echo server on Python's asyncio, with Protocols, which are faster than its streams.

asyncio sets TCP_NODELAY itself. Reading pauses while the transport's buffer is full.
"""

import asyncio
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


async def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    loop = asyncio.get_running_loop()
    datagrams, _ = await loop.create_datagram_endpoint(EchoDatagrams, ("127.0.0.1", port))
    port = datagrams.get_extra_info("sockname")[1]
    server = await loop.create_server(Echo, "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
