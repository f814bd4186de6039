// An echo server that speaks first. Prints its port; ends with its input.
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true }, () => {
  console.log(server.address().port);
});
server.on('connection', (socket) => {
  socket.send('welcome');
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
process.stdin.on('end', () => process.exit(0)).resume();
