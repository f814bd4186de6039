"""HTTP/1.1 peers of the matrix: exchanges of a client and of a backend over a harness.Wire."""

import socket
import threading

from harness import HarnessError, Truncated
from peers import Pace, Parsed, TlsSocket, pieces, truncated


def _lines(head):
  fields = []
  for line in head.split(b"\r\n")[1:]:
    if line:
      name, _, value = line.partition(b":")
      fields.append((name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")))
  return fields


def _some(wire, most):
  """Bytes of the body that are there, or come next."""
  if not wire.buffer and not wire.fill():
    raise Truncated("the connection ended in a body")
  data, wire.buffer = wire.buffer[:most], wire.buffer[most:]
  return data


def _exactly(wire, size, message, pace):
  while size:
    data = _some(wire, min(size, pace.most(262144)))
    size -= len(data)
    message.body.feed(data)
    pace.pause()


def read_body(wire, message, slow=False, until_close=False):
  pace = Pace(slow)
  try:
    if message.get("transfer-encoding") is not None:
      if message.get("transfer-encoding") != "chunked" or message.get("content-length") is not None:
        raise HarnessError("framing of %r" % message)
      while True:
        size = int(wire.until(b"\r\n"), 16)
        if size == 0:
          break
        _exactly(wire, size, message, pace)
        if wire.take(2) != b"\r\n":
          raise HarnessError("no CRLF after a chunk")
      trailers = b"\r\n"
      while not trailers.endswith(b"\r\n\r\n"):
        trailers += wire.until(b"\r\n")
      message.trailers = _lines(trailers) or None
    elif message.get("content-length") is not None:
      _exactly(wire, int(message.get("content-length")), message, pace)
    elif until_close:
      message.until_close = True
      while wire.buffer or wire.fill():
        message.body.feed(_some(wire, pace.most(262144)))
        pace.pause()
  except OSError as error:
    raise truncated(error) from None


def _write_head(first, fields, length):
  if length == "chunked":
    fields = list(fields) + [("transfer-encoding", "chunked")]
  elif length is not None and length != "close":
    fields = list(fields) + [("content-length", length)]
  return (first + "".join("%s: %s\r\n" % field for field in fields)).encode("latin-1") + b"\r\n"


class _Sender:
  """The half that an exchange writes."""

  chunked = False

  def send(self, data):
    if data:
      self.wire.send(b"%x\r\n%s\r\n" % (len(data), data) if self.chunked else data)
    return self

  def send_body(self, size, slow=False, after=0):
    """So much of the body that peers.pieces makes, from a place on."""
    pace, at = Pace(slow), 0
    for piece in pieces(size, 16000 if slow else 65521):
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
    if self.chunked:
      self.wire.send(b"0\r\n" + "".join("%s: %s\r\n" % field for field in trailers).encode() + b"\r\n")
    return self


class ClientExchange(_Sender):

  def __init__(self, client, method):
    self.client, self.wire, self.method = client, client.wire, method
    self.uploading = None

  def response(self, slow=False):
    interim = []
    try:
      while True:
        head = self.wire.until(b"\r\n\r\n")
        response = Parsed([(":status", head.split(b" ")[1].decode())] + _lines(head))
        if response.status >= 200:
          break
        interim.append(response)
    except OSError as error:
      raise truncated(error) from None
    response.interim = interim
    if self.method != "HEAD" and response.status not in (204, 304):
      read_body(self.wire, response, slow, until_close=True)
    return response

  def cancel(self):
    self.wire.rst() if not isinstance(self.wire.sock, TlsSocket) else self.wire.close()


class Client:
  """One connection, one exchange at a time."""

  multiplexed = False

  def __init__(self, wire):
    self.wire = wire

  def start(self, method="GET", path="/", fields=(), length=None, end=True, trailers=False):
    """The head of a request. A length: a number, "chunked" or None for no body; then `end` says nothing more comes."""
    exchange = ClientExchange(self, method)
    exchange.chunked = length == "chunked"
    fields = [("host", "a.test"), ("te", "trailers"), ("connection", "te")] + list(fields)
    self.wire.send(_write_head("%s %s HTTP/1.1\r\n" % (method, path), fields, length))
    if end and exchange.chunked:
      exchange.end()
    return exchange

  def gone(self):
    """Waits for the end of the connection; True unless something else came."""
    try:
      return self.wire.at_end()
    except ConnectionError:
      return True

  def close(self):
    if isinstance(self.wire.sock, TlsSocket) and not self.wire.closed:
      self.wire.sock.notify()
    self.wire.close()


class BackendExchange(_Sender):

  multiplexed = False

  def __init__(self, wire, request):
    self.wire, self.message = wire, request
    self.method, self.path = request.method, request.path
    self.finished = False
    self.keep = True
    self.framing = None

  def body(self, slow=False):
    """The request to its end."""
    read_body(self.wire, self.message, slow)
    return self.message

  def some_body(self):
    """A first piece of the body."""
    self.wire.has_input(20)
    return self.wire.fill()

  def interim(self, status, fields=()):
    self.wire.send(_write_head("HTTP/1.1 %d Early\r\n" % status, fields, None))

  def respond(self, status=200, fields=(), length=None, end=False):
    self.chunked = length == "chunked"
    self.framing = length
    self.wire.send(_write_head("HTTP/1.1 %d Whatever\r\n" % status, fields, length))
    if end:
      self.end()
    return self

  def end(self, trailers=()):
    super().end(trailers)
    self.finished = True
    if self.framing == "close":
      self.keep = False
      if isinstance(self.wire.sock, TlsSocket):
        self.wire.sock.notify()
      self.wire.sock.shutdown(socket.SHUT_WR)
    return self

  def die(self):
    """The connection ends in the middle of everything."""
    self.keep = False
    self.finished = True
    if isinstance(self.wire.sock, TlsSocket):
      self.wire.sock.shutdown(socket.SHUT_RDWR)
    else:
      self.wire.rst()

  def cancelled(self, seconds=20):
    """Waits until the proxy gave up this request."""
    self.wire.sock.settimeout(seconds)
    try:
      while self.wire.fill():
        self.wire.buffer = b""
    except TimeoutError:
      return False
    except OSError:
      pass
    return True


def serve(wire, handler):
  """Answers the requests of a connection, one after the other."""
  while True:
    try:
      head = wire.until(b"\r\n\r\n")
    except (OSError, Truncated):
      return
    method, path, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
    request = Parsed([(":method", method), (":path", path)] + _lines(head))
    request.authority = request.get("host")
    exchange = BackendExchange(wire, request)
    handler(exchange)
    if not exchange.keep or not exchange.finished:
      if exchange.framing == "close":
        exchange.cancelled()
      return
