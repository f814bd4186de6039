"""What the peers of the matrix have in common, whatever protocol they speak: bodies that can be checked at any size, messages
taken apart, TLS over a socket that one thread reads while another writes.

An exchange is a request with its answer, seen from one end. A client's has send, end, cancel and response, a backend's has
request, body, respond, interim, send, end and die; h1_peer.py and h2_peer.py have one of each.
"""

import ssl
import threading
import zlib

from harness import HarnessError, Truncated

BLOCK = bytes((index * 167 + (index >> 8) * 31 + (index >> 16)) & 0xFF for index in range(65521))
KEPT = 65536


def pieces(size, most=len(BLOCK)):
  """The body of that size, in pieces. Its block is no multiple of a frame or a record, so that a loss is seen."""
  at = 0
  while at < size:
    offset = at % len(BLOCK)
    piece = BLOCK[offset:offset + min(most, size - at)]
    at += len(piece)
    yield piece


_crcs = {}


def crc_of(size):
  if size not in _crcs:
    crc = 0
    for piece in pieces(size):
      crc = zlib.crc32(piece, crc)
    _crcs[size] = crc
  return _crcs[size]


class Body:
  """A body that came in: its size, its sum, and its beginning."""

  def __init__(self):
    self.size = 0
    self.crc = 0
    self.start = b""

  def feed(self, data):
    self.size += len(data)
    self.crc = zlib.crc32(data, self.crc)
    if len(self.start) < KEPT:
      self.start += bytes(data[:KEPT - len(self.start)])

  def check(self, size):
    if (self.size, self.crc) != (size, crc_of(size)):
      raise HarnessError("a body of %d bytes is %d bytes, sum %08x instead of %08x" %
                         (size, self.size, self.crc, crc_of(size)))


class Parsed:
  """A request or a response: fields without pseudo-fields, and the latter as attributes; the host is `authority`."""

  def __init__(self, fields):
    self.fields = [field for field in fields if not field[0].startswith(":")]
    pseudo = dict(field for field in fields if field[0].startswith(":"))
    self.status = int(pseudo.get(":status", 0))
    self.method = pseudo.get(":method")
    self.path = pseudo.get(":path")
    self.authority = pseudo.get(":authority")
    self.interim = []
    self.trailers = None
    self.body = Body()
    self.until_close = False

  def get(self, name, default=None):
    return next((value for key, value in self.fields if key == name), default)

  def __repr__(self):
    return "<%s %r body of %d: %r>" % (self.status or (self.method, self.path), self.fields, self.body.size,
                                       self.body.start[:60])


class Pace:
  """How somebody slow takes or gives a body: small pieces with pauses in the beginning, then without."""

  SMALL = 1000
  PAUSES = 20

  def __init__(self, slow):
    self.left = self.PAUSES if slow else 0

  def most(self, usual):
    return self.SMALL if self.left else usual

  def pause(self):
    if self.left:
      self.left -= 1
      threading.Event().wait(0.002)


class TlsSocket:
  """TLS over a socket, from memory, so that reading and writing may be two threads' work. Has what harness.Wire asks of a
  socket. An end without close_notify is an ssl.SSLEOFError; close says close_notify, abandon does not."""

  def __init__(self, sock, context, name=None):
    self.sock = sock
    self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=name is None, server_hostname=name)
    self.lock = threading.Lock()
    self.writing = threading.Lock()
    while True:
      try:
        self.tls.do_handshake()
        break
      except ssl.SSLWantReadError:
        self._flush()
        self._more()
    self._flush()

  def _flush(self):
    with self.writing:
      self._flush_locked()

  def _flush_locked(self):
    with self.lock:
      data = self.outgoing.read()
    if data:
      self.sock.sendall(data)

  def _more(self):
    data = self.sock.recv(262144)
    with self.lock:
      if data:
        self.incoming.write(data)
      else:
        self.incoming.write_eof()

  def recv(self, size):
    while True:
      with self.lock:
        try:
          return self.tls.read(size)
        except ssl.SSLWantReadError:
          pass
        except ssl.SSLZeroReturnError:
          return b""
      self._more()

  def sendall(self, data):
    with self.writing:
      with self.lock:
        self.tls.write(data)
      self._flush_locked()

  def notify(self):
    """The close_notify of this side."""
    with self.writing:
      with self.lock:
        try:
          self.tls.unwrap()
        except ssl.SSLError:
          pass
      try:
        self._flush_locked()
      except OSError:
        pass

  def shutdown(self, how):
    self.sock.shutdown(how)

  def setsockopt(self, *arguments):
    self.sock.setsockopt(*arguments)

  def settimeout(self, seconds):
    self.sock.settimeout(seconds)

  def fileno(self):
    return self.sock.fileno()

  def selected_alpn_protocol(self):
    return self.tls.selected_alpn_protocol()

  def close(self):
    self.sock.close()


def truncated(error):
  """The error of a socket as that of a message that is cut; others pass."""
  if isinstance(error, (ConnectionError, ssl.SSLError, Truncated)):
    return Truncated(repr(error))
  return error
