// node client.js URL SCENARIO [ARGUMENT]: runs it against URL, whose path is put before every path, and prints what came of it
// as JSON. The client is node's http2, but for the scenarios that say http1.
const http2 = require('http2');
const { WebSocket } = require('ws');

const [, , url, scenario, argument] = process.argv;
const base = new URL(url);
const prefix = base.pathname === '/' ? '' : base.pathname;
const C = http2.constants;

function connect(settings = {}) {
  const session = http2.connect(base.origin, { settings });
  session.on('error', () => {});
  return session;
}

// One request: {status, headers, body, trailers, interim, endsAtHead, rst}.
function ask(session, path, headers = {}, data = undefined, trailers = undefined) {
  return new Promise((resolve) => {
    const endStream = data === undefined && trailers === undefined;
    const stream = session.request({ ':path': prefix + path, ...headers }, { endStream, waitForTrailers: trailers !== undefined });
    const got = { interim: [], body: Buffer.alloc(0), trailers: null };
    const pieces = [];
    stream.on('headers', (head) => got.interim.push([head[':status'], head.link]));
    stream.on('response', (head, flags) => {
      got.status = head[':status'];
      got.headers = head;
      got.endsAtHead = (flags & C.NGHTTP2_FLAG_END_STREAM) !== 0;
    });
    stream.on('trailers', (fields) => (got.trailers = { ...fields }));
    stream.on('data', (piece) => pieces.push(piece));
    stream.on('end', () => (got.ended = true));
    stream.on('error', () => {});
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.on('close', () => resolve({ ...got, body: Buffer.concat(pieces), rst: stream.rstCode }));
    if (!endStream) stream.end(data);
  });
}

async function state(session) {
  return JSON.parse((await ask(session, '/state')).body);
}

async function until(session, condition) {
  for (;;) {
    const now = await state(session);
    if (condition(now)) return now;
    await new Promise((next) => setTimeout(next, 5));
  }
}

function pattern(size) {
  return Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz0123456789');
}

// A WebSocket over a stream or a socket of its own: the welcome, and messages of growing size back.
function talk(socket) {
  return new Promise((resolve, reject) => {
    let echoed = -1;
    let sent = null;
    socket.on('error', reject);
    socket.on('message', (data) => {
      if (sent === null ? String(data) !== 'welcome' : Buffer.compare(data, sent) !== 0) return reject(new Error('other bytes'));
      if (++echoed === 50) return socket.close(1000, 'done');
      sent = Buffer.alloc(1 + echoed * 1997, 65 + echoed);
      socket.send(sent);
    });
    socket.on('close', (code) => resolve({ code, echoed }));
  });
}

const scenarios = {
  async trailers() {
    const session = connect();
    const got = await ask(session, '/trailers', { ':method': 'POST', te: 'trailers' }, 'hello', { 'x-mine': 'a', 'y-bin': 'AP8=' });
    return { status: got.status, body: String(got.body), sum: got.trailers['x-sum'], came: JSON.parse(got.trailers['x-came']) };
  },

  async hints() {
    const got = await ask(connect(), '/hints');
    return { interim: got.interim, status: got.status, body: String(got.body) };
  },

  continue100() {
    return new Promise((resolve) => {
      const session = connect();
      const stream = session.request({ ':path': prefix + '/echo', ':method': 'POST', expect: '100-continue' });
      const seen = [];
      let body = '';
      stream.on('continue', () => {
        seen.push('continue');
        stream.end('now');
      });
      stream.on('response', (head) => seen.push(head[':status']));
      stream.on('data', (data) => (body += data));
      stream.on('close', () => resolve({ seen, body }));
    });
  },

  async fields() {
    const got = await ask(connect(), '/fields', {
      te: 'trailers', cookie: ['a=1', 'b=2', 'c=3'], 'x-twice': ['1', '2'], 'x-empty': '',
    });
    const { te, cookie, 'x-twice': twice, 'x-empty': empty } = JSON.parse(got.body);
    return { te, cookie, twice, empty };
  },

  // Pages, methods and sizes of every kind.
  async pages() {
    const session = connect();
    const out = [];
    for (const n of [0, 1, 16384, 16385, 1 << 20]) {
      for (const page of ['/size', '/pieces']) {
        const got = await ask(session, page + '?n=' + n);
        out.push(got.status === 200 && Buffer.compare(got.body, pattern(n)) === 0 && got.rst === 0);
      }
      const got = await ask(session, '/echo', { ':method': 'POST' }, pattern(n));
      out.push(got.status === 200 && Buffer.compare(got.body, pattern(n)) === 0 && got.rst === 0);
    }
    const head = await ask(session, '/size?n=1000', { ':method': 'HEAD' });
    out.push(head.status === 200 && head.headers['content-length'] === '1000' && head.body.length === 0);
    for (const s of [204, 304, 404, 500]) out.push((await ask(session, '/status?s=' + s)).status === s);
    return { ok: out.filter((one) => one).length, of: out.length };
  },

  // Bodies both ways at once through windows of a few bytes.
  async small_windows() {
    const session = connect({ initialWindowSize: 1000, headerTableSize: 0, maxFrameSize: 16384 });
    const calls = Array.from({ length: 10 }, (_, i) => ask(session, '/echo', { ':method': 'POST' }, pattern(50000 + i)));
    const got = await Promise.all(calls);
    return { ok: got.filter((one, i) => Buffer.compare(one.body, pattern(50000 + i)) === 0).length };
  },

  // Windows and the table of fields change under way, below what is in flight as well.
  async settings() {
    const session = connect({ initialWindowSize: 1 << 20 });
    const change = (settings) => new Promise((resolve, reject) => {
      session.settings(settings, (error, settingsNow) => (error ? reject(error) : resolve(settingsNow)));
    });
    const big = [ask(session, '/size?n=4000000'), ask(session, '/pieces?n=4000000')];
    let changed = 0;
    for (const size of [10, 1 << 20, 0, 65535, 1, 1 << 16]) {
      await change({ initialWindowSize: size });
      await change({ headerTableSize: size % 5000 });
      changed += 2;
      big.push(ask(session, '/echo', { ':method': 'POST' }, pattern(30000)));
    }
    const got = await Promise.all(big);
    return { changed, sizes: got.map((one) => one.body.length) };
  },

  async ping() {
    const session = connect();
    await ask(session, '/size?n=1');
    const payload = Buffer.from('12345678');
    const one = () => new Promise((resolve) => session.ping(payload, (error, time, back) => resolve(!error && Buffer.compare(back, payload) === 0)));
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await one());
    return answers;
  },

  async backend_resets() {
    const session = connect();
    const before = await ask(session, '/reset', { ':method': 'POST' }, 'x');
    const late = await ask(session, '/reset_late');
    const after = await ask(session, '/size?n=3');
    return {
      before: before.status, late: [late.status, String(late.body), late.ended === true, late.rst !== 0], after: after.status,
    };
  },

  async client_resets() {
    const session = connect();
    const before = await state(session);
    const streams = Array.from({ length: 10 }, () => session.request({ ':path': prefix + '/hang' }));
    const ends = streams.map((stream) => new Promise((resolve) => stream.on('close', () => resolve(stream.rstCode))));
    await until(session, (now) => now.hanging === 10);
    for (const stream of streams) stream.close(C.NGHTTP2_CANCEL);
    const codes = await Promise.all(ends);
    const now = await until(session, (one) => one.hanging === 0);
    return { codes: [...new Set(codes)], aborted: now.aborted - before.aborted, last_rst: now.last_rst };
  },

  // The answer comes before the request is whole.
  early() {
    return new Promise((resolve) => {
      const session = connect();
      const stream = session.request({ ':path': prefix + '/early', ':method': 'POST' });
      let status = 0;
      let body = '';
      stream.on('response', (head) => (status = head[':status']));
      stream.on('data', (data) => (body += data));
      stream.on('error', () => {});
      stream.on('close', async () => {
        const after = await ask(session, '/size?n=3');
        resolve({ status, body, rst: stream.rstCode, after: after.status });
      });
      stream.on('end', () => setTimeout(() => stream.end(), 300));
      stream.write('some');
    });
  },

  // ARGUMENT requests, 30 at once, while the backend's sessions end again and again.
  async load() {
    const session = connect();
    const other = {};
    let left = Number(argument);
    let ok = 0;
    const one = async () => {
      while (left-- > 0) {
        const got = await ask(session, '/size?n=100');
        if (got.status === 200 && got.body.length === 100) {
          ok++;
        } else {
          const text = got.status + '/' + got.rst;
          other[text] = (other[text] || 0) + 1;
        }
      }
    };
    await Promise.all(Array.from({ length: 30 }, one));
    return { ok, other };
  },

  async page() {
    const got = await ask(connect(), argument);
    return { status: got.status, body: String(got.body) };
  },

  // Answers of the proxy's own to a client of gRPC.
  async grpc_answers() {
    const session = connect();
    const out = {};
    for (const path of argument.split(',')) {
      const got = await ask(session, path, { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' }, 'x');
      out[path] = [got.status, got.headers['content-type'], got.headers['grpc-status'], got.endsAtHead, got.trailers];
    }
    return out;
  },

  // A gRPC answer that has begun, and what ends it.
  async grpc_ends() {
    const session = connect();
    const got = await ask(session, argument, {
      ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers', 'grpc-timeout': '30S',
    }, 'x');
    await until(session, (now) => now.hanging === 0);
    const { 'grpc-status': status, 'grpc-message': message } = got.trailers || {};
    return { http: got.status, body: String(got.body), status, message, rst: got.rst };
  },

  websocket_http1: () => talk(new WebSocket('ws://' + base.host + prefix + '/socket')),

  websocket() {
    return new Promise((resolve, reject) => {
      const session = connect();
      session.once('remoteSettings', (settings) => {
        if (!settings.enableConnectProtocol) return resolve({ refused: 'no extended CONNECT' });
        const stream = session.request({
          ':method': 'CONNECT', ':protocol': 'websocket', ':path': prefix + '/socket', 'sec-websocket-version': '13',
        });
        stream.on('error', reject);
        stream.on('response', (head) => {
          if (head[':status'] !== 200) return resolve({ refused: head[':status'] });
          stream.setNoDelay = () => {};
          const socket = new WebSocket(null);
          socket._isServer = false;
          socket._readyState = WebSocket.CONNECTING;
          const end = talk(socket);
          socket.setSocket(stream, Buffer.alloc(0), { maxPayload: 1 << 24, skipUTF8Validation: false });
          end.then(resolve, reject);
        });
      });
    });
  },

  // Sixteen of them at once.
  async websockets() {
    const all = await Promise.all(Array.from({ length: 16 }, scenarios.websocket));
    return all.filter((one) => one.code === 1000 && one.echoed === 50).length;
  },
};

scenarios[scenario]().then((result) => {
  console.log(JSON.stringify(result));
  process.exit(0);
}, (error) => {
  console.error(error);
  process.exit(1);
});
