// SPDX-License-Identifier: MIT

// An echo server on node: what comes is written; when that is more than the peer takes, reading
// pauses until it has gone out, as the documentation of streams has it.
'use strict';

const dgram = require('node:dgram');
const net = require('node:net');

function onConnection(socket) {
  socket.on('data', (bytes) => {
    if (!socket.write(bytes)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => socket.destroy());
}

const server = net.createServer({ noDelay: true }, onConnection);

// What is sent to is an address already: without this, node looks each one up.
const lookup = (address, options, callback) => callback(null, address, 4);
const datagrams = dgram.createSocket({ type: 'udp4', lookup });
datagrams.on('message', (bytes, from) => datagrams.send(bytes, from.port, from.address));

datagrams.bind(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const { port } = datagrams.address();
  server.listen({ host: '127.0.0.1', port, backlog: 4096 }, () => console.log(port));
});
