// SPDX-License-Identifier: MIT

// An echo server on node: what comes is written; when that is more than the peer takes, reading
// pauses until it has gone out, as the documentation of streams has it.
'use strict';

const net = require('node:net');

function onConnection(socket) {
  socket.on('data', (bytes) => {
    if (!socket.write(bytes)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy());
}

const server = net.createServer({ noDelay: true }, onConnection);
server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0), backlog: 4096 }, () => {
  console.log(server.address().port);
});
