"""HTTP/2 peers of the matrix: a connection of either position over a harness.Wire, its streams as exchanges. One thread reads
and keeps the books; what the proxy does against the protocol is an entry in `errors`. Frames can be written by hand."""

import struct
import threading

import hpack

from harness import DEADLINE, HarnessError, Truncated
from peers import Pace, Parsed, TlsSocket, pieces

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY_FLAG = 1, 1, 4, 8, 32
TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME = 1, 2, 3, 4, 5
NO_ERROR, REFUSED, CANCEL = 0, 7, 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME = 16384
CONNECTION_WINDOW = 16 << 20


def frame(kind, flags, stream, payload=b""):
  return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Stream:
  """The exchange of either end."""

  multiplexed = True

  def __init__(self, connection, number):
    self.connection, self.number = connection, number
    self.received = None       # the message; without its body until that came
    self.interims = []
    self.complete = False      # the peer ended its half
    self.reset_by_peer = None
    self.ended = False         # we ended ours, or both
    self.credit = True         # what comes in is given back at once
    self.owed = 0
    self.send_window = connection.peer_window
    self.receive_window = connection.window
    self.head_request = False
    self.sent = 0              # of the body
    self.patience = DEADLINE   # how long what goes out may wait for a window

  # What came in.
  @property
  def message(self):
    return self.received

  @property
  def method(self):
    return self.received.method

  @property
  def path(self):
    return self.received.path

  def over(self):
    return self.complete or self.reset_by_peer is not None or self.connection.gone

  def wait(self, condition, what):
    self.connection.wait(condition, "%s of stream %d" % (what, self.number))

  def _take_slowly(self):
    """Gives credit in small pieces for a while, then for all."""
    pace = Pace(True)
    while pace.left and not self.over():
      pace.pause()
      self.give(pace.SMALL)
    self.open()

  def give(self, most):
    with self.connection.lock:
      size = min(most, self.owed)
      self.owed -= size
      self.receive_window += size
    if size:
      self.connection.write(frame(WINDOW_UPDATE, 0, self.number, struct.pack(">I", size)))

  def open(self):
    """From here on, credit is given at once."""
    with self.connection.lock:
      self.credit = True
    self.give(1 << 30)

  def body(self, slow=False):
    if slow:
      self._take_slowly()
    self.wait(self.over, "the end")
    if not self.complete:
      raise Truncated("stream %d: reset %r, connection gone: %r" % (self.number, self.reset_by_peer, self.connection.gone))
    return self.received

  def some_body(self):
    self.wait(lambda: self.received.body.size or self.over(), "a piece")

  def response(self, slow=False):
    self.wait(lambda: self.received or self.over(), "the head")
    self.body(slow)
    self.received.interim = self.interims
    return self.received

  def cancelled(self, seconds=20):
    try:
      self.connection.wait(lambda: self.reset_by_peer is not None or self.connection.gone, "a reset", seconds)
    except HarnessError:
      return False
    return True

  # What goes out.
  def respond(self, status=200, fields=(), length=None, end=False):
    fields = [(":status", str(status))] + list(fields)
    if isinstance(length, int):
      fields.append(("content-length", str(length)))
    self.connection.headers(self, fields, end)
    return self

  def interim(self, status, fields=()):
    self.connection.headers(self, [(":status", str(status))] + list(fields), False)

  def send(self, data, end=False):
    self.connection.data(self, data, end)
    return self

  def send_body(self, size, slow=False, after=0):
    pace, at = Pace(slow), 0
    for piece in pieces(size):
      at += len(piece)
      if at <= after:
        continue
      piece = piece[max(0, len(piece) - (at - after)):]
      while piece:
        most = pace.most(len(piece))
        self.send(piece[:most])
        piece = piece[most:]
        pace.pause()
    return self

  def end(self, trailers=()):
    if trailers:
      self.connection.headers(self, list(trailers), True)
    else:
      self.connection.data(self, b"", True)
    return self

  def reset(self, code=CANCEL):
    self.ended = True
    self.connection.write(frame(RST_STREAM, 0, self.number, struct.pack(">I", code)))

  cancel = reset

  def die(self):
    self.connection.die()


class Connection:
  """One connection. `handler` serves the streams that the peer opens, each in a thread of its own."""

  multiplexed = True

  def __init__(self, wire, handler=None, window=65535, max_streams=1000, credit=True):
    self.wire, self.handler, self.window, self.credit = wire, handler, window, credit
    self.server = handler is not None
    self.lock = threading.Condition()
    self.writing = threading.Lock()
    self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
    self.decoder.max_allowed_table_size = 4096
    self.streams, self.threads, self.errors = {}, [], []
    self.peer_window, self.send_window, self.receive_window = 65535, 65535, 65535 + CONNECTION_WINDOW
    self.peer_max_streams = None
    self.settled = self.gone = self.dead = False
    self.goaways = []
    self.clean = False
    self.next_number = 1
    self.block = None
    settings = [(INITIAL_WINDOW, window), (MAX_STREAMS, max_streams)] + ([] if self.server else [(ENABLE_PUSH, 0)])
    self.write((b"" if self.server else PREFACE) +
               frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *setting) for setting in settings)) +
               frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", CONNECTION_WINDOW)))
    self.reader = None

  # ---- The client's side.
  def begin(self):
    """Reads in a thread of its own."""
    self.reader = threading.Thread(target=self.run, daemon=True)
    self.reader.start()
    return self

  def start(self, method="GET", path="/", fields=(), length=None, end=True):
    with self.writing:
      with self.lock:
        stream = Stream(self, self.next_number)
        stream.credit = self.credit
        stream.head_request = method == "HEAD"
        self.streams[stream.number] = stream
        self.next_number += 2
      fields = [(":method", method), (":scheme", "https" if isinstance(self.wire.sock, TlsSocket) else "http"),
                (":authority", "a.test"), (":path", path), ("te", "trailers")] + list(fields)
      if isinstance(length, int):
        fields.append(("content-length", str(length)))
      self._headers(stream, fields, end)
    return stream

  def close(self):
    if not self.wire.closed:
      if isinstance(self.wire.sock, TlsSocket):
        self.wire.sock.notify()
      self._shut()
    if self.reader:
      self.reader.join(DEADLINE)
    self.wire.close()

  def _shut(self):
    try:
      self.wire.sock.shutdown(2)
    except OSError:
      pass

  def die(self):
    self.dead = True
    self._shut()

  # ---- Writing.
  def write(self, data):
    with self.writing:
      self._write(data)

  def _write(self, data):
    try:
      self.wire.sock.sendall(data)
    except OSError as error:
      if not isinstance(error, TimeoutError):
        raise Truncated("the connection is gone: %r" % error) from None
      raise

  def headers(self, stream, fields, end):
    with self.writing:
      self._headers(stream, fields, end)

  def _headers(self, stream, fields, end):
    if end:
      stream.ended = True
    block = self.encoder.encode(fields)
    self._write(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream.number, block))

  def data(self, stream, data, end):
    """Frames as far as the windows let, waiting for them."""
    at = 0
    while at < len(data) or end:
      with self.lock:
        room = lambda: min(stream.send_window, self.send_window)
        stop = lambda: self.gone or stream.reset_by_peer is not None
        if at < len(data) and not self.lock.wait_for(lambda: room() > 0 or stop(), stream.patience):
          raise HarnessError("no window for stream %d: %d of the stream, %d of the connection" %
                             (stream.number, stream.send_window, self.send_window))
        if stop():
          raise Truncated("stream %d is over: %r" % (stream.number, stream.reset_by_peer))
        size = max(0, min(room(), len(data) - at))
        stream.send_window -= size
        stream.sent += size
        self.send_window -= size
      out, stop_at = [], at + size
      while at < stop_at or (end and not out):
        piece = data[at:min(stop_at, at + FRAME)]
        at += len(piece)
        last = end and at == len(data)
        out.append(frame(DATA, END_STREAM if last else 0, stream.number, piece))
        if last:
          stream.ended = True
          end = False
      self.write(b"".join(out))

  # ---- Reading.
  def wait(self, condition, what, seconds=DEADLINE):
    with self.lock:
      if not self.lock.wait_for(condition, seconds):
        raise HarnessError("timed out waiting for %s; errors: %r" % (what, self.errors))

  def run(self):
    """Until the connection's end."""
    try:
      self._run()
    except (OSError, Truncated):
      pass
    except Exception as error:  # pylint: disable=broad-except
      self.errors.append(error)
      self._shut()
    finally:
      with self.lock:
        self.gone = True
        self.lock.notify_all()
    for thread in self.threads:
      thread.join(DEADLINE)

  def _run(self):
    buffer, at = bytearray(), 0
    start = PREFACE if self.server else b""
    while True:
      data = self.wire.sock.recv(262144)
      if not data:
        self.clean = True
        return
      self.wire.received += len(data)
      del buffer[:at]
      at = 0
      buffer += data
      if start:
        if len(buffer) < len(start):
          continue
        self.expect(buffer.startswith(start), "the preface is %r" % bytes(buffer[:24]))
        at, start = len(start), b""
      credit = bytearray()
      with self.lock:
        while len(buffer) - at >= 9:
          size = int.from_bytes(buffer[at:at + 3], "big")
          self.expect(size <= FRAME, "a frame of %d bytes" % size)
          if len(buffer) - at < 9 + size:
            break
          kind, flags = buffer[at + 3], buffer[at + 4]
          number = int.from_bytes(buffer[at + 5:at + 9], "big")
          self._frame(kind, flags, number, bytes(buffer[at + 9:at + 9 + size]), credit)
          at += 9 + size
        self.lock.notify_all()
      if credit:
        try:
          self.write(bytes(credit))
        except Truncated:
          pass  # what it still sent is read

  @staticmethod
  def expect(condition, what):
    if not condition:
      raise HarnessError(what)

  def _frame(self, kind, flags, number, payload, out):
    self.expect(self.settled or kind == SETTINGS, "the first frame is of type %d" % kind)
    if self.block is not None:
      self.expect(kind == CONTINUATION and number == self.block[0], "a frame of type %d in a block" % kind)
    if kind == DATA:
      self._data(flags, number, payload, out)
    elif kind == HEADERS:
      if flags & PADDED:
        payload = payload[1:len(payload) - payload[0]]
      if flags & PRIORITY_FLAG:
        payload = payload[5:]
      self.block = (number, flags, payload)
    elif kind == CONTINUATION:
      self.block = (number, self.block[1] | flags, self.block[2] + payload)
    elif kind == SETTINGS:
      self._settings(flags, payload, out)
    elif kind == PING and not flags & ACK:
      out += frame(PING, ACK, 0, payload)
    elif kind == WINDOW_UPDATE:
      credit = int.from_bytes(payload, "big")
      self.expect(credit > 0, "a credit of 0")
      if number == 0:
        self.send_window += credit
      elif number in self.streams:
        self.streams[number].send_window += credit
    elif kind == RST_STREAM:
      stream = self.streams.get(number)
      self.expect(stream is not None, "RST_STREAM for the idle stream %d" % number)
      self.expect(stream.reset_by_peer is None, "a second RST_STREAM for stream %d" % number)
      stream.reset_by_peer = int.from_bytes(payload, "big")
    elif kind == GOAWAY:
      self.goaways.append((int.from_bytes(payload[:4], "big"), int.from_bytes(payload[4:8], "big"), payload[8:]))
    self.expect(kind != PUSH_PROMISE, "a push")
    if kind in (HEADERS, CONTINUATION) and self.block[1] & END_HEADERS:
      number, flags, block = self.block
      self.block = None
      self._head(number, flags, [(name.decode("latin-1"), value.decode("latin-1"))
                                 for name, value in self.decoder.decode(block, raw=True)])

  def _settings(self, flags, payload, out):
    self.settled = True
    if flags & ACK:
      return
    for at in range(0, len(payload), 6):
      name, value = struct.unpack_from(">HI", payload, at)
      if name == INITIAL_WINDOW:
        for stream in self.streams.values():
          stream.send_window += value - self.peer_window
        self.peer_window = value
      elif name == TABLE_SIZE:
        self.encoder.header_table_size = min(value, 4096)
      elif name == MAX_STREAMS:
        self.peer_max_streams = value
    out += frame(SETTINGS, ACK, 0)

  def _data(self, flags, number, payload, out):
    stream = self.streams.get(number)
    self.expect(stream is not None and stream.received is not None, "DATA on stream %d before its head" % number)
    self.expect(not stream.complete and stream.reset_by_peer is None, "DATA on stream %d after its end" % number)
    size = len(payload)
    self.receive_window -= size
    stream.receive_window -= size
    self.expect(self.receive_window >= 0 and stream.receive_window >= 0, "stream %d sends beyond its window" % number)
    if flags & PADDED:
      payload = payload[1:size - payload[0]]
    stream.received.body.feed(payload)
    if self.receive_window < CONNECTION_WINDOW // 2:
      out += frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", CONNECTION_WINDOW - self.receive_window))
      self.receive_window = CONNECTION_WINDOW
    stream.owed += size
    if stream.credit and stream.owed > self.window // 2 and not flags & END_STREAM:
      out += frame(WINDOW_UPDATE, 0, number, struct.pack(">I", stream.owed))
      stream.receive_window += stream.owed
      stream.owed = 0
    if flags & END_STREAM:
      stream.complete = True

  def _head(self, number, flags, fields):
    for name, _ in fields:
      self.expect(name == name.lower() and name not in ("connection", "transfer-encoding", "host", "upgrade"),
                  "the field %s in stream %d" % (name, number))
    stream = self.streams.get(number)
    if stream is None:
      self.expect(self.server and number % 2 == 1 and number > max(self.streams, default=0), "stream %d opened" % number)
      stream = Stream(self, number)
      stream.credit = self.credit
      self.streams[number] = stream
    self.expect(not stream.complete and stream.reset_by_peer is None, "HEADERS on stream %d after its end" % number)
    if stream.received is not None:
      self.expect(flags & END_STREAM and not any(name.startswith(":") for name, _ in fields), "trailers %r" % fields)
      stream.received.trailers = fields
    else:
      message = Parsed(fields)
      if 100 <= message.status < 200:
        self.expect(not flags & END_STREAM, "a 1xx ends stream %d" % number)
        stream.interims.append(message)
        return
      stream.received = message
    if flags & END_STREAM:
      stream.complete = True
    if self.server and stream.received.trailers is None:
      thread = threading.Thread(target=self._serve, args=(stream,), daemon=True)
      self.threads.append(thread)
      thread.start()

  def _serve(self, stream):
    try:
      self.handler(stream)
    except (Truncated, OSError):
      pass
    except Exception as error:  # pylint: disable=broad-except
      self.errors.append(error)
