// node client.js ADDRESS SCENARIO [ARGUMENT]: runs it against the service at ADDRESS, and prints what came of it as JSON.
// Over TLS, as site.test, where GRPC_CA names a file.
const fs = require('fs');
const grpc = require('@grpc/grpc-js');
const service = require('./service.js');

const [, , address, scenario, argument] = process.argv;
const options = {
  'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1, 'grpc.use_local_subchannel_pool': 1,
};
const Client = grpc.makeGenericClientConstructor(service, 'Echo', {});
const ca = process.env.GRPC_CA;
if (ca) options['grpc.ssl_target_name_override'] = 'site.test';
const client = new Client(
  address, ca ? grpc.credentials.createSsl(fs.readFileSync(ca)) : grpc.credentials.createInsecure(), options);
const json = (value) => Buffer.from(JSON.stringify(value));
const names = Object.fromEntries(Object.entries(grpc.status).map(([name, code]) => [code, name]));

// What a test sees of a call's end.
function told(status) {
  return { code: names[status.code], details: status.details, trailers: plain(status.metadata) };
}

function plain(metadata) {
  const out = {};
  for (const key of Object.keys(metadata.getMap()).sort()) {
    if (key === 'date' || key === 'server' || key === 'x-envoy-upstream-service-time') continue;
    out[key] = metadata.get(key).map((value) => (Buffer.isBuffer(value) ? value.toString('hex') : value));
  }
  return out;
}

// A call with one answer: {reply, initial, code, trailers ...}.
function unary(name, request, metadata = new grpc.Metadata(), callOptions = {}) {
  return new Promise((resolve) => {
    let reply = null;
    let initial = null;
    const call = client[name](request, metadata, callOptions, (error, message) => {
      if (!error) reply = message;
    });
    call.on('metadata', (got) => (initial = plain(got)));
    call.on('status', (status) => setImmediate(() => resolve({ reply, initial, ...told(status) })));
  });
}

// Reads a call's messages to its end: {messages, bytes, first, code ...}.
function read(call) {
  return new Promise((resolve) => {
    const got = { messages: 0, bytes: 0 };
    call.on('data', (message) => {
      got.messages++;
      got.bytes += message.length;
    });
    call.on('error', () => {});
    call.on('status', (status) => setImmediate(() => resolve({ ...got, ...told(status) })));
  });
}

function state() {
  return unary('State', Buffer.alloc(0)).then((got) => JSON.parse(got.reply));
}

async function until(condition) {
  for (;;) {
    const now = await state();
    if (condition(now)) return now;
    await new Promise((next) => setTimeout(next, 5));
  }
}

const scenarios = {
  async unary() {
    const got = await unary('Unary', Buffer.from('hello'));
    return { ...got, reply: String(got.reply) };
  },

  async empty() {
    const got = await unary('Unary', Buffer.alloc(0));
    return { ...got, reply: got.reply.length };
  },

  async metadata() {
    const metadata = new grpc.Metadata();
    metadata.add('echo-text', 'a, b');
    metadata.add('echo-twice', 'one');
    metadata.add('echo-twice', 'two');
    metadata.add('echo-bytes-bin', Buffer.from([0, 1, 255, 13, 10]));
    metadata.add('trail-text', 'at the end');
    metadata.add('trail-bytes-bin', Buffer.from([254, 0]));
    const got = await unary('Unary', Buffer.from('x'), metadata);
    return { ...got, reply: String(got.reply) };
  },

  client_stream() {
    return new Promise((resolve) => {
      const call = client.Collect((error, message) => resolve(error ? told(error) : JSON.parse(message)));
      (async () => {
        for (let i = 0; i < 1000; i++) {
          if (!call.write(Buffer.alloc(i))) await new Promise((next) => call.once('drain', next));
        }
        call.end();
      })();
    });
  },

  // No message at all: the request is a head and an end.
  client_stream_of_none() {
    return new Promise((resolve) => {
      const call = client.Collect((error, message) => resolve(error ? told(error) : JSON.parse(message)));
      call.end();
    });
  },

  server_stream: () => read(client.Spread(json({ count: 1000, size: 1000 }))),
  server_stream_of_none: () => read(client.Spread(json({ count: 0, size: 0 }))),

  // Each message is sent when the one before is back.
  bidi() {
    return new Promise((resolve) => {
      const call = client.Bidi();
      let sent = 0;
      let right = true;
      const next = () => call.write(Buffer.from('message ' + sent++));
      call.on('data', (message) => {
        right = right && String(message) === 'message ' + (sent - 1);
        if (sent < 1000) return next();
        call.end();
      });
      call.on('error', () => {});
      call.on('status', (status) => resolve({ sent, right, ...told(status) }));
      next();
    });
  },

  // All at once, both ways at the same time.
  async bidi_flood() {
    const call = client.Bidi();
    const end = read(call);
    for (let i = 0; i < 1000; i++) {
      if (!call.write(Buffer.alloc(4000, i % 251))) await new Promise((next) => call.once('drain', next));
    }
    call.end();
    return end;
  },

  async large() {
    const sent = Buffer.alloc(4 << 20);
    for (let i = 0; i < sent.length; i += 4) sent.writeUInt32LE((i * 2654435761) >>> 0, i);
    const got = await unary('Unary', sent);
    return { code: got.code, same: Buffer.compare(got.reply, sent) === 0 };
  },

  async parallel() {
    const calls = [];
    for (let i = 0; i < 100; i++) calls.push(unary('Unary', Buffer.alloc(1000 + i, i)));
    const got = await Promise.all(calls);
    return { ok: got.filter((one, i) => one.code === 'OK' && one.reply.length === 1000 + i && one.reply[0] === i).length };
  },

  // 100 streams that are open at the same time.
  async parallel_streams() {
    const calls = Array.from({ length: 99 }, () => client.Bidi());
    const ends = calls.map(read);
    for (const call of calls) call.write(Buffer.from('x'));
    const most = await until((now) => now.active === 99);
    for (const call of calls) call.end();
    const got = await Promise.all(ends);
    return { active: most.active, ok: got.filter((one) => one.code === 'OK' && one.messages === 1).length };
  },

  async deadline_passed_on() {
    const got = await unary('Deadline', Buffer.alloc(0), new grpc.Metadata(), { deadline: Date.now() + 30000 });
    return { left: Number(got.reply) };
  },

  async no_deadline() {
    return { left: String((await unary('Deadline', Buffer.alloc(0))).reply) };
  },

  async deadline_bounded() {
    const got = await unary('BoundedDeadline', Buffer.alloc(0), new grpc.Metadata(), { deadline: Date.now() + 30000 });
    return { left: Number(got.reply) };
  },

  async deadline_of_the_client() {
    const before = (await state()).cancelled;
    const got = await read(client.Hang(json({ messages: 1 }), { deadline: Date.now() + 300 }));
    await until((now) => now.cancelled > before && now.active === 0);
    return got;
  },

  // The proxy's bound is much sooner than what the client asks for.
  async deadline_of_the_proxy() {
    const before = (await state()).cancelled;
    const begun = Date.now();
    const got = await read(client.Bounded(json({ messages: Number(argument) }), { deadline: begun + 30000 }));
    const took = Date.now() - begun;
    await until((now) => now.cancelled > before && now.active === 0);
    return { ...got, took };
  },

  // Cancelled before an answer, and after its first message.
  async cancel() {
    const out = [];
    for (const messages of [0, 1]) {
      const before = (await state()).cancelled;
      const call = client.Hang(json({ messages }));
      const end = read(call);
      if (messages > 0) await new Promise((next) => call.once('data', next));
      await until((now) => now.active === 1);
      call.cancel();
      out.push((await end).code);
      await until((now) => now.cancelled === before + 1 && now.active === 0);
    }
    return out;
  },

  async cancel_while_sending() {
    const call = client.Bidi();
    const end = read(call);
    for (let i = 0; i < 100; i++) call.write(Buffer.alloc(10000));
    await new Promise((next) => call.once('data', next));
    call.cancel();
    const got = await end;
    // The server's library takes it for an end of the messages or for a cancellation.
    await until((now) => now.active === 0);
    return { code: got.code };
  },

  trailers_only: () => read(client.Fail(json({ code: 9, details: 'nö: 100% \n', messages: 0 }))),
  error_after_messages: () => read(client.Fail(json({ code: 10, details: 'stop', messages: 3 }))),

  async every_status() {
    const out = [];
    for (let code = 1; code <= 16; code++) {
      out.push((await read(client.Fail(json({ code, details: 'd' + code, messages: 0 })))).code);
    }
    return out;
  },

  unknown_method: () => unary('Unknown', Buffer.alloc(0)),

  // Says when its first message is there; somebody then ends the server.
  async killed() {
    const call = client.Hang(json({ messages: 1 }));
    call.once('data', () => console.log('started'));
    return read(call);
  },

  unary_failing: () => unary('Unary', Buffer.from('x')),

  // Many calls, always 20 at once, for ARGUMENT calls.
  async load() {
    const failed = {};
    let left = Number(argument);
    let ok = 0;
    const one = async () => {
      while (left-- > 0) {
        const got = await unary('Unary', Buffer.alloc(100));
        if (got.code === 'OK' && got.reply.length === 100) {
          ok++;
        } else {
          const text = got.code + ': ' + got.details;
          failed[text] = (failed[text] || 0) + 1;
        }
      }
    };
    await Promise.all(Array.from({ length: 20 }, one));
    return { ok, failed };
  },

  async quiet() {
    const call = client.Bidi();
    const end = read(call);
    call.write(Buffer.from('one'));
    await new Promise((next) => call.once('data', next));
    await new Promise((next) => setTimeout(next, Number(argument)));
    call.write(Buffer.from('two'));
    call.end();
    return end;
  },

  // A call that is under way while the proxy is told to end.
  async drained() {
    const call = client.Bidi();
    const end = read(call);
    call.write(Buffer.from('one'));
    await new Promise((next) => call.once('data', next));
    console.log('started');
    await new Promise((next) => process.stdin.once('data', next));
    call.write(Buffer.from('two'));
    await new Promise((next) => call.once('data', next));
    call.end();
    return end;
  },
};

scenarios[scenario]().then((result) => {
  console.log(JSON.stringify(result));
  process.exit(0);
}, (error) => {
  console.error(error);
  process.exit(1);
});
