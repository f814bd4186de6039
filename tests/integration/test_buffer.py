"""The filter buffer: requests go on whole, with their length, or not at all; over both protocols."""

import harness
from filters import FilterTest
from harness import chunks

LIMIT = 100000


class Buffer(FilterTest):
  http = {"http_filters": [{"name": "envoy.filters.http.buffer",
                            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
                                             "max_request_bytes": LIMIT}},
                           {"name": "mux"}]}
  routes = [{"match": {"prefix": "/off"}, "route": {"cluster": "app"}, "typed_per_filter_config": {"buffer": {"disabled": True}}},
            {"match": {"prefix": "/tiny"}, "route": {"cluster": "app"},
             "typed_per_filter_config": {"buffer": {"buffer": {"max_request_bytes": 10}}}},
            {"match": {"prefix": "/"}, "route": {"cluster": "app"}}]

  @staticmethod
  def upload(client, path, size, early=False):
    """A body without an announced length; early: it may be answered before its end."""
    exchange = client.start("POST", path, length=None if client.multiplexed else "chunked", end=False)
    try:
      exchange.send_body(size)
      exchange.end()
    except (harness.Truncated, ConnectionError):
      if not early:
        raise
    return exchange.response()

  def test_what_came_without_a_length_goes_on_with_one(self):
    def check(client):
      self.assertEqual(self.upload(client, "/", 5000).status, 200)
      seen = self.backend.requests[-1]
      self.assertEqual((seen.get("content-length"), seen.get("transfer-encoding"), len(seen.body)), ("5000", None, 5000))
    self.over_both(check)

  def test_where_it_is_off_chunks_stay_chunks(self):
    def check(client):
      self.assertEqual(self.upload(client, "/off", 5000).status, 200)
      seen = self.backend.requests[-1]
      self.assertEqual((seen.get("content-length"), seen.get("transfer-encoding")), (None, "chunked"))
    self.over_both(check)

  def test_the_limit_is_a_body_that_fits(self):
    def check(client):
      self.assertEqual(self.upload(client, "/", LIMIT).status, 200)
      self.assertEqual(len(self.backend.requests[-1].body), LIMIT)
    self.over_both(check)

  def test_more_than_the_limit_is_413_and_reaches_no_backend(self):
    for protocol in ("h1", "h2"):
      for size, path in ((LIMIT + 1, "/"), (11, "/tiny")):
        with self.subTest(protocol, size=size), self.client(protocol) as client:
          self.assertEqual(self.upload(client, path, size, early=True).status, 413)
          self.assertEqual(self.backend.requests, [])

  def test_an_announced_length_over_the_limit_is_413_before_the_body(self):
    for protocol in ("h1", "h2"):
      with self.subTest(protocol), self.client(protocol) as client:
        self.assertEqual(client.start("POST", "/", length=LIMIT + 1, end=False).response().status, 413)
        self.assertEqual(self.backend.requests, [])

  def test_nothing_reaches_the_backend_before_the_end(self):
    client = self.connect()
    client.send(b"POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
    self.weir.wait_stat("http.main.downstream_rq_active", 1)
    self.assertEqual(self.backend.wires, [])
    client.send(b"0\r\n\r\n")
    self.assertEqual(client.response().status, 200)
    self.assertEqual(self.backend.requests[-1].body, b"abc")

  def test_trailers_go_on_behind_chunks(self):
    client = self.connect()
    client.send(b"POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n" + chunks(b"abc", trailers=[("x-t", "1")]))
    self.assertEqual(client.response().status, 200)
    seen = self.backend.requests[-1]
    self.assertEqual((seen.body, seen.get("transfer-encoding")), (b"abc", "chunked"))

  def test_a_client_that_waits_for_100_is_told_to_send(self):
    client = self.connect()
    client.send(b"POST / HTTP/1.1\r\nhost: a.test\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")
    self.assertEqual(client.head().status, 100)
    client.send(b"abc")
    self.assertEqual(client.response().status, 200)
    self.assertEqual(self.backend.requests[-1].body, b"abc")

  def test_a_client_that_goes_away_leaves_nothing(self):
    client = self.connect()
    client.send(b"POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 10\r\n\r\nabc")
    self.weir.wait_stat("http.main.downstream_rq_active", 1)
    client.rst()
    self.weir.wait_idle()
    self.assertEqual(self.backend.wires, [])


if __name__ == "__main__":
  harness.main()
