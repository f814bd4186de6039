// node server.js [MAX_CONNECTION_AGE_MS]: prints its port; ends with its standard input. Over TLS where GRPC_CERT and GRPC_KEY
// name files.
const fs = require('fs');
const grpc = require('@grpc/grpc-js');
const service = require('./service.js');

const [, , age] = process.argv;
const state = { active: 0, cancelled: 0 };

function watch(call) {
  state.active++;
  let over = false;
  const end = (cancelled) => {
    if (over) return;
    over = true;
    state.active--;
    if (cancelled) state.cancelled++;
  };
  call.on('cancelled', () => end(true));
  return () => end(false);
}

function hang(call) {
  watch(call);
  const asked = JSON.parse(call.request);
  for (let i = 0; i < asked.messages; i++) call.write(Buffer.from('message ' + i));
}

function deadline(call, callback) {
  const at = call.getDeadline();
  callback(null, Buffer.from(at === Infinity ? 'none' : String(Number(at) - Date.now())));
}

const handlers = {
  Unary(call, callback) {
    const initial = new grpc.Metadata();
    const trailers = new grpc.Metadata();
    for (const key of Object.keys(call.metadata.getMap())) {
      const to = key.startsWith('echo-') ? initial : key.startsWith('trail-') ? trailers : null;
      if (to !== null) for (const value of call.metadata.get(key)) to.add(key, value);
    }
    call.sendMetadata(initial);
    callback(null, call.request, trailers);
  },

  Collect(call, callback) {
    let count = 0;
    let bytes = 0;
    call.on('data', (message) => {
      count++;
      bytes += message.length;
    });
    call.on('end', () => callback(null, Buffer.from(JSON.stringify({ count, bytes }))));
  },

  async Spread(call) {
    const asked = JSON.parse(call.request);
    for (let i = 0; i < asked.count; i++) {
      if (!call.write(Buffer.alloc(asked.size, i % 251))) await new Promise((next) => call.once('drain', next));
    }
    call.end();
  },

  Bidi(call) {
    const ended = watch(call);
    call.on('data', (message) => call.write(message));
    call.on('end', () => {
      ended();
      call.end();
    });
  },

  Fail(call) {
    const asked = JSON.parse(call.request);
    for (let i = 0; i < asked.messages; i++) call.write(Buffer.from('message ' + i));
    const metadata = new grpc.Metadata();
    metadata.set('trail-why-bin', Buffer.from([0, 255, 10, 13]));
    call.emit('error', { code: asked.code, details: asked.details, metadata });
  },

  Hang: hang,
  Bounded: hang,
  Deadline: deadline,
  BoundedDeadline: deadline,

  State(call, callback) {
    callback(null, Buffer.from(JSON.stringify(state)));
  },
};

const { Unknown, ...known } = service;
const options = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
if (age !== undefined) {
  options['grpc.max_connection_age_ms'] = Number(age);
  options['grpc.max_connection_age_grace_ms'] = 20000;
}
const server = new grpc.Server(options);
server.addService(known, handlers);
const { GRPC_CERT: cert, GRPC_KEY: key } = process.env;
const credentials = cert
  ? grpc.ServerCredentials.createSsl(null, [{ cert_chain: fs.readFileSync(cert), private_key: fs.readFileSync(key) }])
  : grpc.ServerCredentials.createInsecure();
server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
  if (error) throw error;
  console.log(port);
});
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
