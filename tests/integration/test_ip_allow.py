"""The filter ip_allow through the program, over HTTP/1 and HTTP/2."""

import harness
from harness import cluster, config, listener, route
from test_curl import CurlTest


def ip_allow(**lists):
  return [{"name": "ip_allow", "typed_config": lists}, "mux"]


class IpAllow(CurlTest):

  @classmethod
  def make_config(cls):
    own = dict(route(prefix="/own"), typed_per_filter_config={"ip_allow": {"allow": ["127.0.0.1"]}})
    off = dict(route(prefix="/off"), typed_per_filter_config={"ip_allow": {"disabled": True}})
    return config([listener("main", http_filters=ip_allow(deny=["127.0.0.0/8"]), routes=[own, off, route()]),
                   listener("some", http_filters=ip_allow(allow=["127.0.0.2"])),
                   listener("six", http_filters=ip_allow(allow=["0.0.0.0/0"]), address="[::1]:0")],
                  [cluster("app", cls.backend.address)])

  def status(self, path, *options, name="main"):
    found = set()
    for version in ("--http1.1", "--http2-prior-knowledge"):
      out, _ = self.curl(path, version, "-o", "/dev/null", "-w", "%{http_code}", *options, name=name)
      found.add(int(out))
    self.assertEqual(len(found), 1, found)
    return found.pop()

  def test_who_is_denied_reaches_nothing(self):
    self.assertEqual(self.status("/"), 403)
    self.assertEqual(self.status("/", "-H", "x-forwarded-for: 10.0.0.1"), 403)
    self.assertEqual(self.backend.requests, [])

  def test_routes(self):
    self.assertEqual(self.status("/own"), 200)
    self.assertEqual(self.status("/off"), 200)

  def test_by_the_address_of_the_client(self):
    self.assertEqual(self.status("/", "--interface", "127.0.0.2", name="some"), 200)
    self.assertEqual(self.status("/", "--interface", "127.0.0.3", name="some"), 403)

  def test_ipv6(self):
    self.assertEqual(self.status("/", name="six"), 403)

  def test_counters(self):
    before = self.weir.stats()
    self.status("/")
    self.status("/own")
    after = self.weir.stats()
    for name in ("allowed", "denied"):
      self.assertEqual(after["plugin.ip_allow." + name] - before["plugin.ip_allow." + name], 2)


if __name__ == "__main__":
  harness.main()
