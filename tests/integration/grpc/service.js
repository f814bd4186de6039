// The service that server and clients share: messages are bytes, so that nothing stands between the test and the wire.
const same = (bytes) => bytes;

function method(name, requestStream, responseStream) {
  return {
    path: '/weir.test.Echo/' + name, requestStream, responseStream,
    requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same,
  };
}

module.exports = {
  // Its own bytes back; metadata that begins with "echo-" comes back as initial metadata, "trail-" as trailers.
  Unary: method('Unary', false, false),
  // How many messages and bytes came, as JSON.
  Collect: method('Collect', true, false),
  // {count, size}: so many messages.
  Spread: method('Spread', false, true),
  // Each message back when it comes.
  Bidi: method('Bidi', true, true),
  // {code, details, messages}: that status after so many messages; without any it is a trailers-only answer.
  Fail: method('Fail', false, true),
  // {messages}: so many messages, and then nothing.
  Hang: method('Hang', false, true),
  // The same, on a route that honours grpc-timeout.
  Bounded: method('Bounded', false, true),
  // Milliseconds to the deadline as the server sees it; "none" without one.
  Deadline: method('Deadline', false, false),
  // On a route that honours grpc-timeout.
  BoundedDeadline: method('BoundedDeadline', false, false),
  // {active, cancelled}: of Hang, Bounded and Bidi.
  State: method('State', false, false),
  // No server has it.
  Unknown: method('Unknown', false, false),
};
