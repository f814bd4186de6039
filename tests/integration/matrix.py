"""The base of the matrix's tests: one program with a clear listener and one of TLS, and a backend of each kind behind it."""

import shutil
import socket
import tempfile

import certificates
import h1_peer
import h2_peer
import harness
from harness import WeirTest, cluster, config, listener, route
from peers import TlsSocket

KINDS = ("h1", "h2c", "h1s", "h2s")
PAIRS = [(front, back) for front in KINDS for back in KINDS]


def is_h2(kind):
  return kind.startswith("h2")


def is_tls(kind):
  return kind.endswith("s")


class MatrixTest(WeirTest):
  """`handler` serves every exchange that reaches a backend; `window` is the stream window that HTTP/2 peers announce."""

  http = {}
  cluster_keys = {}

  @classmethod
  def setUpClass(cls):
    cls.directory = tempfile.mkdtemp(prefix="weir-matrix-")
    cls.addClassCleanup(shutil.rmtree, cls.directory, True)
    cls.authority = certificates.Authority(cls.directory)
    cls.site = cls.authority.issue("site", ["DNS:a.test"])
    cls.behind = cls.authority.issue("backend", ["IP:127.0.0.1"])
    cls.by_kind = {kind: harness.Backend() for kind in KINDS}
    cls.addClassCleanup(lambda: [backend.stop() for backend in cls.by_kind.values()])
    cls.contexts, cls.back_contexts = {}, {}
    for kind, name in (("h1s", "http/1.1"), ("h2s", "h2")):
      cls.contexts[kind] = certificates.client_context(cls.authority, alpn=[name])
      cls.back_contexts[kind] = certificates.server_context(cls.behind)
      cls.back_contexts[kind].set_alpn_protocols([name])
    super().setUpClass()
    cls.backends = [cls.backend] + list(cls.by_kind.values())

  @classmethod
  def make_config(cls):
    routes = [route(kind, prefix="/%s/" % kind, timeout="0s") for kind in KINDS]
    tls = {"certificates": [{"cert": cls.site[0], "key": cls.site[1]}]}
    clusters = []
    for kind in KINDS:
      keys = dict(cls.cluster_keys, protocol="h2" if is_h2(kind) else "h1")
      if is_tls(kind):
        keys["tls"] = {"ca": cls.authority.cert}
      clusters.append(cluster(kind, cls.by_kind[kind].address, **keys))
    return config([listener("clear", routes, **cls.http), listener("secure", routes, options={"tls": tls}, **cls.http)],
                  clusters)

  def setUp(self):
    super().setUp()
    self.connections = []
    self.window = 65535
    self.credit = True
    self.serve_with()

  def serve_with(self):
    """Backends that were reset are told again what they are."""
    for kind, backend in self.by_kind.items():
      backend.script = lambda wire, kind=kind: self.serve(kind, wire)

  def serve(self, kind, wire):
    wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the peers write in small pieces
    if is_tls(kind):
      wire.sock = TlsSocket(wire.sock, self.back_contexts[kind])
      self.assertEqual(wire.sock.selected_alpn_protocol(), "h2" if is_h2(kind) else "http/1.1")
    if not is_h2(kind):
      h1_peer.serve(wire, self.handle)
      return
    connection = h2_peer.Connection(wire, self.handle, self.window)
    wire.h2 = connection
    connection.run()
    for error in connection.errors:
      raise error

  def handle(self, exchange):
    self.handler(exchange)

  def handler(self, exchange):  # pylint: disable=method-hidden
    exchange.body()
    exchange.respond(200, length=len(exchange.path))
    exchange.send(exchange.path.encode()).end()

  def client(self, kind, **keys):
    wire = self.connect("secure" if is_tls(kind) else "clear", **keys)
    if is_tls(kind):
      wire.sock = TlsSocket(wire.sock, self.contexts[kind], "a.test")
    if not is_h2(kind):
      return h1_peer.Client(wire)
    connection = h2_peer.Connection(wire, None, self.window, credit=self.credit).begin()
    self.connections.append(connection)
    return connection

  def dialled(self, kind):
    return len(self.by_kind[kind].wires)

  def tearDown(self):
    for connection in self.connections:
      connection.close()
    super().tearDown()
    self.assertEqual([error for connection in self.connections for error in connection.errors], [])
