"""The filter local_ratelimit through the program, over HTTP/1 and HTTP/2. No bucket is filled while a test runs: what a clock
does is tested with one that is moved by hand."""

import harness
from harness import cluster, config, listener, request, route
from test_curl import CurlTest

VERSIONS = ("--http1.1", "--http2-prior-knowledge")


def limit(tokens, **keys):
  if tokens:
    keys["token_bucket"] = {"max_tokens": tokens, "fill_interval": "86400s"}
  return [{"name": "local_ratelimit", "typed_config": dict({"stat_prefix": "it"}, **keys)}, "mux"]


class LocalRatelimit(CurlTest):
  concurrency = 2

  @classmethod
  def make_config(cls):
    own = dict(route(prefix="/own"), typed_per_filter_config={"local_ratelimit": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "own", "token_bucket": {"max_tokens": 1, "fill_interval": "86400s"}}})
    shown = limit(4, enable_x_ratelimit_headers="DRAFT_VERSION_03",
                  response_headers_to_add=[{"header": {"key": "x-local-rate-limit", "value": "true"}}])
    by_name = limit(0, rate_limits=[{"actions": [{"request_headers": {"header_name": "x-user", "descriptor_key": "user"}}]}],
                    descriptors=[{"entries": [{"key": "user"}], "token_bucket": {"max_tokens": 2, "fill_interval": "86400s"}}])
    return config([listener("main", http_filters=shown),
                   listener("shared", http_filters=limit(200)),
                   listener("routes", http_filters=limit(0), routes=[own, route()]),
                   listener("named", http_filters=by_name),
                   listener("connections", http_filters=limit(2, local_rate_limit_per_downstream_connection=True)),
                   listener("grpc", http_filters=limit(1, rate_limited_as_resource_exhausted=True))],
                  [cluster("app", cls.backend.address)])

  def setUp(self):
    super().setUp()
    self.restart()

  def status(self, path, *options, name):
    out, _ = self.curl(path, "-o", "/dev/null", "-w", "%{http_code}", *options, name=name)
    return int(out)

  def test_the_limit_and_its_fields(self):
    for version, left in zip(VERSIONS * 2, (3, 2, 1, 0)):
      out, _ = self.curl("/", version, "-D", "-", "-o", "/dev/null")
      self.assertIn(b"x-ratelimit-limit: 4\r\n", out)
      self.assertIn(b"x-ratelimit-remaining: %d\r\n" % left, out)
    for version, line in zip(VERSIONS, (b"HTTP/1.1 429 Too Many Requests\r\n", b"HTTP/2 429 \r\n")):
      out, _ = self.curl("/", version, "-D", "-")
      self.assertTrue(out.startswith(line), out)
      self.assertIn(b"x-local-rate-limit: true\r\n", out)
      self.assertEqual(out.count(b"x-ratelimit-remaining: 0\r\n"), 1, out)
      self.assertTrue(out.endswith(b"\r\n\r\nlocal_rate_limited"), out)
    self.assertEqual(len(self.backend.requests), 4)

  def test_workers_share_the_bucket(self):
    # Enough connections that both workers serve some; the sum is exact.
    served = 0
    for _ in range(30):
      client = self.connect("shared")
      for _ in range(10):
        served += client.send(request()).response().status == 200
      client.close()
    self.assertEqual(served, 200)
    for name, value in (("enabled", 300), ("ok", 200), ("rate_limited", 100), ("enforced", 100)):
      self.weir.wait_stat("plugin.it.http_local_rate_limit." + name, value)

  def test_a_route_has_its_own(self):
    for version in VERSIONS:
      self.assertEqual(self.status("/", version, name="routes"), 200)
    self.assertEqual([self.status("/own", version, name="routes") for version in VERSIONS], [200, 429])

  def test_a_bucket_for_each_value(self):
    for user in ("ann", "bob"):
      self.assertEqual([self.status("/", version, "-H", "x-user: " + user, name="named") for version in VERSIONS * 2],
                       [200, 200, 429, 429])
    self.assertEqual(self.status("/", name="named"), 200)

  def test_a_bucket_for_each_connection(self):
    for _ in range(2):
      client = self.connect("connections")
      self.assertEqual([client.send(request()).response().status for _ in range(3)], [200, 200, 429])

  def test_grpc(self):
    options = ["--http2-prior-knowledge", "-X", "POST", "-H", "content-type: application/grpc", "-D", "-", "-o", "/dev/null"]
    self.curl("/", *options, name="grpc")
    out, _ = self.curl("/", *options, name="grpc")
    self.assertTrue(out.startswith(b"HTTP/2 200"), out)
    self.assertEqual(out.count(b"grpc-status: 8\r\n"), 1, out)
    self.assertEqual(out.count(b"grpc-status"), 1, out)


if __name__ == "__main__":
  harness.main()
