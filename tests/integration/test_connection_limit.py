"""The network filter connection_limit through the program, in front of HTTP/1, HTTP/2 and plain bytes."""

import harness
from harness import WeirTest, cluster, config, request, route, wait_until

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def limited(name, most, *filters, **keys):
  limit = {"name": "envoy.filters.network.connection_limit", "typed_config": dict({
      "@type": "type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
      "stat_prefix": name, "max_connections": most}, **keys)}
  return {"name": name, "address": "127.0.0.1:0", "filter_chains": [{"filters": [limit, *filters]}]}


class ConnectionLimit(WeirTest):
  concurrency = 2

  @classmethod
  def make_config(cls):
    http = {"name": "http_connection_manager", "typed_config": {
        "stat_prefix": "web", "http_filters": ["mux"],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route()]}]}}}
    return config([limited("web", 3, http), limited("echo", 2, {"name": "echo"}),
                   limited("slow", 1, {"name": "echo"}, delay="1s")],
                  [cluster("app", cls.backend.address)])

  def active(self, name, value):
    self.weir.wait_stat("plugin.connection_limit.%s.active_connections" % name, value)

  def limited(self, name):
    return self.weir.stat("plugin.connection_limit.%s.limited_connections" % name)

  def refused(self, name):
    """Whether a connection ends before a byte came; the reset may be there before connecting has returned."""
    try:
      return self.connect(name).rest() == b""
    except ConnectionResetError:
      return True

  def test_http1_over_all_workers(self):
    before = self.limited("web")
    clients = [self.connect("web") for _ in range(3)]
    for client in clients:
      self.assertEqual(client.send(request()).response().status, 200)
    self.active("web", 3)
    for _ in range(5):
      self.assertTrue(self.refused("web"))
    self.assertEqual(self.limited("web"), before + 5)
    clients.pop().close()
    self.active("web", 2)
    self.assertEqual(self.connect("web").send(request()).response().status, 200)
    for client in self.clients:
      client.close()
    self.active("web", 0)

  def test_http2(self):
    clients = [self.connect("web").send(PREFACE) for _ in range(3)]
    for client in clients:
      self.assertEqual(client.take(9)[3], 4)  # its SETTINGS
    self.assertTrue(self.refused("web"))
    for client in self.clients:
      client.close()
    self.active("web", 0)

  def test_bytes(self):
    clients = [self.connect("echo") for _ in range(2)]
    for client in clients:
      client.send(b"hello")
      self.assertEqual(client.take(5), b"hello")
    self.assertTrue(self.refused("echo"))
    for client in clients:
      client.rst()
    self.active("echo", 0)

  def test_a_delayed_end(self):
    first = self.connect("slow")
    first.send(b"x")
    self.assertEqual(first.take(1), b"x")
    try:
      refused = self.connect("slow")
      refused.send(b"y" * 10000)
      self.assertEqual(refused.rest(), b"", "nothing of it was echoed")
    except ConnectionError:
      pass  # a machine that is slower than the delay
    first.close()
    self.active("slow", 0)
    wait_until(self.served, "a place to be free")

  def served(self):
    try:
      client = self.connect("slow")
      client.send(b"z")
      return client.take(1) == b"z"
    except (harness.Truncated, ConnectionError):
      return False


if __name__ == "__main__":
  harness.main()
