"""The PROXY protocol towards backends: each connection says whom it is for, and is never used for anybody else."""

import socket
import struct
import tempfile

import certificates
import h2_peer
import harness
from harness import WeirTest, cluster, config, listener, ok, request, wait_until
from peers import TlsSocket

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def exactly(sock, size):
  """What stands behind it may be for TLS, and stays in the socket."""
  data = b""
  while len(data) < size:
    piece = sock.recv(size - len(data))
    assert piece, data
    data += piece
  return data


def read_header(wire):
  """The client's "address:port" that stands in front of a connection; "-" for none."""
  start = exactly(wire.sock, 6)
  if start == b"PROXY ":
    line = b""
    while not line.endswith(b"\r\n"):
      line += exactly(wire.sock, 1)
    words = line.split()
    return "-" if words[0] == b"UNKNOWN" else "%s:%s" % (words[1].decode(), words[3].decode())
  fixed = start + exactly(wire.sock, 10)
  assert fixed[:12] == SIGNATURE, fixed
  payload = exactly(wire.sock, struct.unpack(">H", fixed[14:])[0])
  if fixed[12] == 0x20:
    return "-"
  assert fixed[12:14] == b"\x21\x11", fixed
  return "%s:%d" % (socket.inet_ntoa(payload[:4]), struct.unpack(">H", payload[8:10])[0])


def wrapped(version, inner):
  return {"name": "envoy.transport_sockets.upstream_proxy_protocol", "typed_config": {
      "@type": "type.googleapis.com/"
               "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
      "config": {"version": version}, "transport_socket": inner}}


class UpstreamProxyProtocol(WeirTest):
  @classmethod
  def setUpClass(cls):
    folder = tempfile.TemporaryDirectory()
    cls.addClassCleanup(folder.cleanup)
    cls.authority = certificates.Authority(folder.name)
    cls.site = cls.authority.issue("backend", ["IP:127.0.0.1"])
    cls.context = certificates.server_context(cls.site)
    super().setUpClass()

  @classmethod
  def make_config(cls):
    tls = {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": {"validation_context": {"trusted_ca": {"filename": cls.authority.cert}}}}}
    routes = [{"match": {"prefix": "/" + name}, "route": {"cluster": name}} for name in ("v1", "v2", "tls")]
    return config([listener("main", routes), {"name": "tcp", "address": "127.0.0.1:0", "tcp": {"cluster": "v2"}}],
                  [cluster("v1", cls.backend.address, proxy_protocol="v1"),
                   cluster("v2", cls.backend.address, proxy_protocol="v2"),
                   cluster("tls", cls.backend.address, transport_socket=wrapped("V2", tls))])

  def setUp(self):
    super().setUp()
    self.backend.script = self.serve

  def serve(self, wire):
    """Answers each request with whom the connection is for."""
    whom = read_header(wire)
    if wire.sock.recv(1, socket.MSG_PEEK) == b"\x16":
      wire.sock = TlsSocket(wire.sock, self.context)
    while wire.request() is not None:
      wire.send(ok(whom.encode()))

  @staticmethod
  def name(client):
    return "%s:%d" % client.sock.getsockname()

  def test_each_connection_says_whom_it_is_for(self):
    for path in ("/v1", "/v2", "/tls"):
      client = self.connect()
      for _ in range(3):
        client.send(request(path))
        self.assertEqual(client.response().body.decode(), self.name(client), path)
    # Three requests of one client need no more than one connection.
    self.assertEqual(len(self.backend.wires), 3)

  def test_clients_are_never_mixed_up(self):
    clients = [self.connect() for _ in range(20)]
    for turn in range(10):
      for client in clients[turn % 3::1 + turn % 2]:
        client.send(request("/v2"))
      for client in clients[turn % 3::1 + turn % 2]:
        self.assertEqual(client.response().body.decode(), self.name(client))
    self.assertLessEqual(len(self.backend.wires), 20)

  def test_streams_of_one_client_go_on_connections_of_theirs(self):
    wires = [self.connect() for _ in range(2)]
    connections = [h2_peer.Connection(wire).begin() for wire in wires]
    for wire, connection in zip(wires, connections):
      streams = [connection.start(path="/v1") for _ in range(10)]
      for stream in streams:
        response = stream.response()
        self.assertEqual((response.status, response.body.start), (200, self.name(wire).encode()))
    for connection in connections:
      connection.close()

  def test_connections_go_with_their_client(self):
    client = self.connect()
    client.send(request("/v1"))
    self.assertEqual(client.response().status, 200)
    self.assertEqual(self.weir.stat("cluster.v1.upstream_cx_active"), 1)
    client.close()
    self.weir.wait_stat("cluster.v1.upstream_cx_active", 0)

  def test_tcp_proxy(self):
    def greet(wire):
      wire.send(("hello " + read_header(wire)).encode())
      wire.rest()
    self.backend.script = greet
    # The backend speaks first: the header does not wait for the client.
    client = self.connect("tcp")
    self.assertEqual(client.take(6 + len(self.name(client))).decode(), "hello " + self.name(client))
    client.close()
    wait_until(lambda: self.weir.stat("cluster.v2.upstream_cx_active") == 0, "the end")


if __name__ == "__main__":
  harness.main()
