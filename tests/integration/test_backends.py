"""Backends that answer wrongly, die, or are not there: what the client sees of it, and what is never used again."""

import threading

import harness
from harness import Backend, Truncated, WeirTest, chunks, ok, request, wait_until

OK = b"HTTP/1.1 200 OK\r\n"

# Answers that are not HTTP, or that two parsers could read differently.
BAD_RESPONSES = {
    "not_http": b"hello there\r\n\r\n",
    "html": b"<html><body>hi</body></html>\r\n\r\n",
    "status_2_digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "status_4_digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status_letters": b"HTTP/1.1 2x0 OK\r\n\r\n",
    "status_000": b"HTTP/1.1 000 OK\r\n\r\n",
    "status_099": b"HTTP/1.1 099 OK\r\n\r\n",
    "status_missing": b"HTTP/1.1\r\n\r\n",
    "status_sign": b"HTTP/1.1 -20 OK\r\n\r\n",
    "version_2": b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
    "version_09": b"HTTP/0.9 200 OK\r\n\r\n",
    "version_lower_case": b"http/1.1 200 OK\r\n\r\n",
    "two_spaces": b"HTTP/1.1  200 OK\r\ncontent-length: 0\r\n\r\n",
    "leading_space": b" HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "length_and_encoding": OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "lengths_differ": OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\n12345",
    "lengths_equal": OK + b"content-length: 5\r\ncontent-length: 5\r\n\r\n12345",
    "length_list": OK + b"content-length: 5, 5\r\n\r\n12345",
    "length_minus": OK + b"content-length: -1\r\n\r\n",
    "length_plus": OK + b"content-length: +5\r\n\r\n12345",
    "length_empty": OK + b"content-length:\r\n\r\n",
    "length_overflow": OK + b"content-length: 99999999999999999999\r\n\r\n",
    "encoding_unknown": OK + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "encoding_not_last": OK + b"transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "encoding_twice": OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "encoding_in_http_10": b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "encoding_with_204": b"HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "length_with_204": b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n12345",
    "length_with_103": b"HTTP/1.1 103 Early Hints\r\ncontent-length: 5\r\n\r\n12345HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "folded": OK + b"x-a: 1\r\n 2\r\ncontent-length: 0\r\n\r\n",
    "space_before_colon": OK + b"x-a : 1\r\ncontent-length: 0\r\n\r\n",
    "empty_name": OK + b": 1\r\ncontent-length: 0\r\n\r\n",
    "no_colon": OK + b"nonsense\r\ncontent-length: 0\r\n\r\n",
    "null_in_value": OK + b"x-a: a\x00b\r\ncontent-length: 0\r\n\r\n",
    "control_in_value": OK + b"x-a: a\x01b\r\ncontent-length: 0\r\n\r\n",
    "bare_cr": OK + b"x-a: a\rb\r\ncontent-length: 0\r\n\r\n",
    "bare_lf": OK + b"x-a: a\nx-b: c\r\ncontent-length: 0\r\n\r\n",
    "bare_lf_everywhere": b"HTTP/1.1 200 OK\ncontent-length: 0\n\n",
    "name_high_byte": OK + b"x\xffa: 1\r\ncontent-length: 0\r\n\r\n",
    "unasked_101": b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "too_many_fields": OK + b"".join(b"x-%d: 1\r\n" % n for n in range(200)) + b"content-length: 0\r\n\r\n",
    "too_large_head": OK + b"x-a: " + b"a" * 100000 + b"\r\ncontent-length: 0\r\n\r\n",
}

# Bodies that break off or go wrong after a good head.
BAD_BODIES = {
    "length_short": OK + b"content-length: 10\r\n\r\n12345",
    "length_nothing": OK + b"content-length: 10\r\n\r\n",
    "chunked_nothing": OK + b"transfer-encoding: chunked\r\n\r\n",
    "chunked_inside_size": OK + b"transfer-encoding: chunked\r\n\r\n5",
    "chunked_inside_data": OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhel",
    "chunked_after_data": OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello",
    "chunked_after_chunk": OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "chunked_before_last_crlf": OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    "chunked_inside_trailers": OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-a: 1\r\n",
    "chunked_bad_size": OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    "chunked_by_lf": OK + b"transfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
    "chunked_data_too_long": OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhellooo\r\n0\r\n\r\n",
    "chunked_bad_trailer": OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nnonsense\r\n\r\n",
}


class BadResponses(WeirTest):

  def once(self, raw, then=None):
    """The first connection answers so, later ones as usual."""
    def script(wire):
      wire.request()
      wire.send(raw)
      wire.after = wire.rest()
    self.backend.scripts = [script]

  def test_every_bad_response_is_a_502_and_its_connection_is_not_used_again(self):
    for name, raw in BAD_RESPONSES.items():
      with self.subTest(name):
        self.once(raw)
        client = self.connect()
        response = client.send(request("/first", method="POST", body=b"x")).response()
        self.assertEqual(response.status, 502)
        wire = self.backend.wires[-1]
        self.assertEqual(client.send(request("/second")).response().body, b"/second")
        self.assertIsNot(self.backend.wires[-1], wire)
        wait_until(lambda: getattr(wire, "done", False), "the end of the bad connection")
        self.assertEqual(wire.after, b"")
        self.backend.reset()
        client.close()
        self.weir.wait_idle()

  def test_a_truncated_or_bad_body_never_looks_complete(self):
    for name, raw in BAD_BODIES.items():
      for how in ("close", "rst"):
        with self.subTest(name, how=how):
          sent = threading.Event()

          def script(wire):
            wire.request()
            wire.send(raw)
            sent.wait(harness.DEADLINE)
            getattr(wire, how)()
          self.backend.scripts = [script]
          client = self.connect()
          client.send(request(method="POST", body=b"x"))
          # Once the head is through, the answer cannot become an error any more.
          head = client.head() if "nothing" not in name else None
          sent.set()
          if head is None:
            head = client.head()
          if head.status == 200:
            with self.assertRaises(Truncated):
              if head.get("content-length"):
                client.take(int(head.get("content-length")))
              else:
                client.chunked(head)
          else:
            self.assertIn(head.status, (502, 503))
          client.close()
          self.backend.reset()
          self.weir.wait_idle()

  def test_bytes_after_a_response_poison_the_connection(self):
    for extra in (b"x", b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged", b"\r\n", b"\x00"):
      with self.subTest(extra):
        self.once(ok(b"first") + extra)
        client = self.connect()
        self.assertEqual(client.send(request("/1")).response().body, b"first")
        self.assertEqual(client.send(request("/2")).response().body, b"/2")
        self.assertEqual(len(self.backend.wires), 2)
        wait_until(lambda: hasattr(self.backend.wires[0], "after"), "the end of the first connection")
        self.assertEqual(self.backend.wires[0].after, b"")
        client.close()
        self.backend.reset()
        self.weir.wait_idle()

  def test_bytes_on_an_idle_connection_poison_it(self):
    go = threading.Event()

    def script(wire):
      wire.request()
      wire.send(ok(b"first"))
      go.wait(harness.DEADLINE)
      wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged")
      wire.after = wire.rest()
    self.backend.scripts = [script]
    client = self.connect()
    self.assertEqual(client.send(request("/1")).response().body, b"first")
    go.set()
    wait_until(lambda: self.weir.stat("cluster.app.upstream_cx_active") == 0, "the connection to be dropped")
    self.assertEqual(client.send(request("/2")).response().body, b"/2")
    wait_until(lambda: hasattr(self.backend.wires[0], "after"), "the end of the first connection")
    self.assertEqual(self.backend.wires[0].after, b"")

  def test_fin_on_an_idle_connection_ends_it(self):
    go = threading.Event()

    def script(wire):
      wire.request()
      wire.send(ok(b"first"))
      go.wait(harness.DEADLINE)
    self.backend.scripts = [script]
    client = self.connect()
    self.assertEqual(client.send(request("/1")).response().body, b"first")
    go.set()
    wait_until(lambda: self.weir.stat("cluster.app.upstream_cx_active") == 0, "the connection to be dropped")
    self.assertEqual(client.send(request("/2", method="POST", body=b"x")).response().body, b"/2")


class Dying(WeirTest):
  """The backend goes away at every point of an exchange."""

  def check(self, script, name, method="GET", expected=(502, 503), scripts=2):
    self.backend.scripts = [script] * scripts
    client = self.connect()
    body = b"hello" if method == "POST" else None
    client.send(request("/x", method=method, body=body))
    response = client.response()
    self.assertIn(response.status, expected, name)
    # The client's connection is good for another request.
    self.backend.scripts = []
    self.assertEqual(client.send(request("/next")).response().body, b"/next")
    client.close()
    self.backend.reset()
    self.weir.wait_idle()

  def test_right_after_accept(self):
    for end in ("close", "rst"):
      for method in ("GET", "POST"):
        with self.subTest(end=end, method=method):
          # Whether the request was written before the end was seen is a matter of time: then a GET is replayed.
          self.check(lambda wire: getattr(wire, end)(), end, method, expected=(200, 502, 503), scripts=1)

  def test_after_every_byte_of_the_request(self):
    size = len(request("/x", method="POST", body=b"hello"))
    for count in range(1, size, 7):
      for end in ("close", "rst"):
        with self.subTest(count=count, end=end):
          def script(wire):
            wire.take(count)
            getattr(wire, end)()
          self.check(script, "%d %s" % (count, end), "POST")

  def test_after_every_byte_of_the_responses_head(self):
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
    for count in range(1, len(head)):
      for end in ("close", "rst"):
        with self.subTest(count=count, end=end):
          def script(wire):
            wire.request()
            wire.send(head[:count])
            getattr(wire, end)()
          self.check(script, "%d %s" % (count, end), "POST")

  def test_get_gets_an_error_when_the_backend_dies_inside_the_head_each_time(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\nconte")
    self.check(script, "inside the head", "GET", scripts=10)

  def test_after_an_interim_response(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    self.check(script, "after 103", "POST")

  def test_while_the_request_is_uploaded(self):
    for end in ("close", "rst"):
      with self.subTest(end=end):
        def script(wire):
          wire.head()
          wire.take(1000)
          getattr(wire, end)()
        self.backend.scripts = [script]
        client = self.connect()
        client.send(request(method="POST", fields=[("content-length", "10000000")]) + b"x" * 100000)
        response = client.response()
        self.assertIn(response.status, (502, 503))
        client.close()
        self.backend.reset()
        self.weir.wait_idle()


class Replay(WeirTest):
  """A kept connection that the backend ended meanwhile costs no request."""

  def stale(self, times=1):
    """Connections that answer once and then end as soon as a second request comes in."""
    def script(wire):
      wire.request()
      wire.send(ok(b"first"))
      wire.fill()
      wire.second = wire.buffer
      wire.rst()
    self.backend.scripts = [script] * times

  def test_get_is_replayed_on_a_fresh_connection(self):
    self.stale()
    before = self.weir.stat("cluster.app.upstream_rq_retry")
    client = self.connect()
    client.send(request("/1")).response()
    self.assertEqual(client.send(request("/2")).response().body, b"/2")
    self.assertEqual(len(self.backend.wires), 2)
    self.assertTrue(self.backend.wires[0].second.startswith(b"GET /2 "))
    self.assertEqual(self.weir.stat("cluster.app.upstream_rq_retry"), before + 1)

  def test_idempotent_request_with_a_small_body_is_replayed_whole(self):
    self.stale()
    client = self.connect()
    client.send(request("/1")).response()
    body = b"p" * 30000
    self.assertEqual(client.send(request("/2", method="PUT", body=body)).response().body, b"/2")
    self.assertEqual(self.backend.requests[-1].body, body)

  def test_post_is_not_sent_twice(self):
    self.stale()
    client = self.connect()
    client.send(request("/1")).response()
    self.assertIn(client.send(request("/2", method="POST", body=b"pay")).response().status, (502, 503))
    self.assertEqual(self.backend.requests, [])

  def test_a_second_failure_is_an_error(self):
    def dead(wire):
      wire.fill()
      wire.rst()
    self.stale()
    self.backend.scripts += [dead]
    client = self.connect()
    client.send(request("/1")).response()
    self.assertEqual(client.send(request("/2")).response().status, 503)
    self.assertEqual(len(self.backend.wires), 2)

  def test_get_is_not_replayed_once_the_answer_began(self):
    def script(wire):
      wire.request()
      wire.send(ok(b"first"))
      wire.fill()
      wire.send(b"HTTP/1.1 2")
      wire.rst()
    self.backend.scripts = [script]
    client = self.connect()
    client.send(request("/1")).response()
    response = client.send(request("/2")).response()
    self.assertIn(response.status, (200, 502, 503))  # 200: the RST overtook the bytes
    if response.status == 200:
      self.assertEqual(response.body, b"/2")

  def test_backend_that_ends_every_kept_connection_at_random_costs_no_get(self):
    def script(wire):
      for _ in range(1 + wire.number % 4):
        seen = wire.request()
        if seen is None:
          return
        wire.send(ok(seen.target.encode()))
      # No connection: close; the end comes unannounced.
    self.backend.script = script
    client = self.connect()
    for number in range(300):
      response = client.send(request("/%d" % number)).response()
      self.assertEqual((response.status, response.body), (200, b"/%d" % number))


class Unreachable(WeirTest):

  @classmethod
  def make_config(cls):
    cls.held, cls.closed = harness.closed_port()
    cls.addClassCleanup(cls.held.close)
    cls.other = Backend()
    cls.backends.append(cls.other)
    return harness.config(
        [harness.listener("main", routes=[
            harness.route("dead", "/dead"),
            harness.route("mixed", "/mixed"),
            harness.route("nowhere", "/unix"),
            harness.route("app"),
        ])],
        [harness.cluster("app", cls.backend.address),
         harness.cluster("dead", cls.closed),
         harness.cluster("mixed", cls.closed, cls.other.address),
         harness.cluster("nowhere", "unix:/nonexistent/weir.sock")])

  def test_refused_connection_is_503_after_3_attempts(self):
    before = self.weir.stats()
    response = self.get("/dead", method="POST", body=b"x")
    self.assertEqual(response.status, 503)
    after = self.weir.stats()
    name = "cluster.dead.upstream_cx_connect_fail"
    self.assertEqual(after[name] - before[name], 3)
    name = "cluster.dead.upstream_cx_connect_attempts_exceeded"
    self.assertEqual(after[name] - before[name], 1)

  def test_missing_unix_socket_is_503(self):
    self.assertEqual(self.get("/unix").status, 503)

  def test_another_endpoint_is_tried(self):
    for number in range(10):
      response = self.get("/mixed/%d" % number, method="POST", body=b"x")
      self.assertEqual((response.status, response.body), (200, b"/mixed/%d" % number))

  def test_connection_of_the_client_survives(self):
    client = self.connect()
    for _ in range(3):
      self.assertEqual(client.send(request("/dead")).response().status, 503)
    self.assertEqual(client.send(request("/alive")).response().body, b"/alive")


if __name__ == "__main__":
  harness.main()
