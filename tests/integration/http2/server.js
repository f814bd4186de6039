// Two backends with the same pages, one of HTTP/1.1 and one of HTTP/2. node server.js: prints {"h1": port, "h2": port}; ends
// with its input.
const crypto = require('crypto');
const http = require('http');
const http2 = require('http2');
const { WebSocket, WebSocketServer } = require('ws');

const state = { requests: 0, aborted: 0, hanging: 0, last_rst: -1 };
// GET /goaway?n=50 from now on: each session ends after so many requests. 0: none does.
let perSession = 0;

function body(size) {
  return Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz0123456789');
}

const pages = {
  '/echo'(req, res) {
    const fields = { 'x-version': req.httpVersion, 'x-method': req.method };
    if (req.headers['content-length'] !== undefined) fields['content-length'] = req.headers['content-length'];
    res.writeHead(200, fields);
    req.pipe(res);
  },
  // The same when all of it has come.
  '/whole'(req, res) {
    const pieces = [];
    req.on('data', (piece) => pieces.push(piece));
    req.on('end', () => res.end(Buffer.concat(pieces)));
  },
  '/size'(req, res, query) {
    const size = Number(query.get('n'));
    res.writeHead(200, { 'content-length': size, 'x-version': req.httpVersion });
    res.end(body(size));
  },
  // Without a length, in pieces.
  '/pieces'(req, res, query) {
    res.writeHead(200, { 'x-version': req.httpVersion });
    const whole = body(Number(query.get('n')));
    for (let at = 0; at < whole.length; at += 1000) res.write(whole.subarray(at, at + 1000));
    res.end();
  },
  '/fields'(req, res) {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify(req.headers));
  },
  // What came as trailers goes back as trailers.
  '/trailers'(req, res) {
    res.writeHead(200, { trailer: 'x-sum' });
    req.on('data', (data) => res.write(data));
    req.on('end', () => {
      res.addTrailers({ 'x-sum': '7', 'x-came': JSON.stringify(req.trailers) });
      res.end();
    });
  },
  '/hints'(req, res) {
    res.writeEarlyHints({ link: '</style.css>; rel=preload' });
    setTimeout(() => res.end('hinted'), 20);
  },
  '/status'(req, res, query) {
    res.writeHead(Number(query.get('s')), { 'x-version': req.httpVersion });
    res.end();
  },
  // An answer that does not wait for the request.
  '/early'(req, res) {
    res.writeHead(413, { 'content-length': 5 });
    res.end('early');
  },
  '/reset'(req, res) {
    cut(req, http2.constants.NGHTTP2_INTERNAL_ERROR);
  },
  '/reset_late'(req, res) {
    res.writeHead(200, { 'content-length': 1000 });
    res.write('half');
    setTimeout(() => cut(req, http2.constants.NGHTTP2_INTERNAL_ERROR), 50);
  },
  '/hang'(req, res) {
    state.hanging++;
    res.on('close', () => {
      state.hanging--;
      state.aborted++;
      if (req.stream) state.last_rst = req.stream.rstCode;
    });
  },
  // The beginning of a gRPC answer; then nothing, or a reset.
  '/grpc_hang'(req, res) {
    res.writeHead(200, { 'content-type': 'application/grpc' });
    res.write('half');
    pages['/hang'](req, res);
  },
  '/grpc_cut'(req, res) {
    res.writeHead(200, { 'content-type': 'application/grpc' });
    res.write('half');
    setTimeout(() => cut(req, http2.constants.NGHTTP2_INTERNAL_ERROR), 50);
  },
  '/goaway'(req, res, query) {
    perSession = Number(query.get('n'));
    res.end('noted');
  },
  '/state'(req, res) {
    res.end(JSON.stringify(state));
  },
};

function cut(req, code) {
  if (req.stream) {
    req.stream.close(code);
  } else {
    req.socket.destroy();
  }
}

function serve(req, res) {
  state.requests++;
  const url = new URL(req.url, 'http://a.test');
  const page = pages[url.pathname];
  if (page === undefined) {
    res.writeHead(404);
    return res.end();
  }
  const session = req.stream && req.stream.session;
  if (session && perSession > 0) {
    session.served = (session.served || 0) + 1;
    session.open = (session.open || 0) + 1;
    // Not close() at once: node 18 then ends in the middle of answers, after their heads.
    if (session.served === perSession) {
      session.ending = true;
      session.goaway();
    }
    res.on('close', () => {
      session.open -= 1;
      if (session.open === 0 && session.ending) setImmediate(() => session.close());
    });
  }
  page(req, res, url.searchParams);
}

// A WebSocket that speaks first and sends everything back.
function talk(socket) {
  socket.send('welcome');
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('error', () => {});
}

const sockets = new WebSocketServer({ noServer: true });
const h1 = http.createServer(serve);
h1.on('upgrade', (req, socket, head) => sockets.handleUpgrade(req, socket, head, talk));

const h2 = http2.createServer({ settings: { enableConnectProtocol: true, maxConcurrentStreams: 100 } }, serve);
h2.on('connect', ({ stream, headers }) => {
  if (headers[':protocol'] !== 'websocket') return stream.respond({ ':status': 501 }, { endStream: true });
  stream.respond({ ':status': 200 });
  stream.setNoDelay = () => {};
  const socket = new WebSocket(null);
  socket._isServer = true;
  socket.setSocket(stream, Buffer.alloc(0), { maxPayload: 1 << 24, skipUTF8Validation: false });
  talk(socket);
});
h2.on('sessionError', () => {});

h1.listen(0, '127.0.0.1', () => {
  h2.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ h1: h1.address().port, h2: h2.address().port })));
});
process.stdin.on('end', () => process.exit(0)).resume();
