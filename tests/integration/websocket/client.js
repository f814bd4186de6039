// node client.js URL CONNECTIONS MESSAGES: each connection waits for the welcome, sends messages of growing size one after the
// other, gets each one back, and closes; then prints what came of them.
const { WebSocket } = require('ws');

const [, , url, connections, messages] = process.argv;
let closed = 0;
let echoed = 0;

function fail(text) {
  console.error(text);
  process.exit(1);
}

for (let c = 0; c < Number(connections); c++) {
  const socket = new WebSocket(url, { perMessageDeflate: c % 2 === 0 });
  let sent = null;
  let count = 0;
  socket.on('error', (error) => fail(String(error)));
  socket.on('message', (data, isBinary) => {
    if (sent === null) {
      if (String(data) !== 'welcome') fail('no welcome: ' + data);
    } else {
      if (!isBinary || Buffer.compare(data, sent) !== 0) fail('message ' + count + ' came back different');
      echoed++;
    }
    if (count === Number(messages)) return socket.close(1000, 'done');
    sent = Buffer.alloc(1 + count * 997, 65 + c);
    count++;
    socket.send(sent);
  });
  socket.on('close', (code) => {
    if (code !== 1000) fail('closed with ' + code);
    if (++closed === Number(connections)) console.log(`closed ${closed} echoed ${echoed}`);
  });
}
