"""A cluster that is asked in the protocol of the client: HTTP/2 requests arrive as HTTP/2, others as HTTP/1.1, on the same
endpoint, clear and over TLS, where ALPN offers the one that is wanted and nothing else."""

import socket

import certificates
import h1_peer
import h2_peer
import harness
from harness import cluster, config, listener, route
from matrix import KINDS, MatrixTest, is_h2, is_tls
from peers import TlsSocket


class DownstreamProtocol(MatrixTest):
  """The backends h1 and h1s speak both protocols, clear and over TLS."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.both = certificates.server_context(cls.behind)
    cls.both.set_alpn_protocols(["h2", "http/1.1"])  # whoever offered both would get the first

  @classmethod
  def make_config(cls):
    routes = [route(kind, prefix="/%s/" % kind) for kind in ("h1", "h1s")]
    tls = {"certificates": [{"cert": cls.site[0], "key": cls.site[1]}]}
    name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    options = {"@type": "type.googleapis.com/" + name,
               "use_downstream_protocol_config": {"http_protocol_options": {},
                                                  "http2_protocol_options": {"max_concurrent_streams": 2}}}
    clusters = [cluster("h1", cls.by_kind["h1"].address, protocol="downstream"),
                cluster("h1s", cls.by_kind["h1s"].address, tls={"ca": cls.authority.cert},
                        typed_extension_protocol_options={name: options})]
    return config([listener("clear", routes), listener("secure", routes, options={"tls": tls})], clusters)

  def serve(self, kind, wire):
    wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if is_tls(kind):
      wire.sock = TlsSocket(wire.sock, self.both)
      h2 = wire.sock.selected_alpn_protocol() == "h2"
    else:
      h2 = wire.sock.recv(3, socket.MSG_PEEK | socket.MSG_WAITALL) == b"PRI"
    wire.speaks_h2 = h2
    if not h2:
      h1_peer.serve(wire, self.handle)
      return
    connection = h2_peer.Connection(wire, self.handle, self.window)
    wire.h2 = connection
    connection.run()
    for error in connection.errors:
      raise error

  def handler(self, exchange):
    exchange.body()
    name = b"h2" if exchange.multiplexed else b"h1"
    exchange.respond(200, length=2)
    exchange.send(name).end()

  def test_each_client_is_served_in_its_own_protocol(self):
    for back in ("h1", "h1s"):
      for _ in range(2):
        for front in KINDS:
          with self.subTest(front=front, back=back):
            response = self.client(front).start("GET", "/%s/%s" % (back, front)).response()
            self.assertEqual((response.status, response.body.start), (200, b"h2" if is_h2(front) else b"h1"))
      # Each protocol has connections of its own.
      self.assertEqual({wire.speaks_h2 for wire in self.by_kind[back].wires}, {False, True})


if __name__ == "__main__":
  harness.main()
