"""Every timeout, at small configured values: what is answered, what ends, which counter moves."""

import threading

import harness
from harness import WeirTest, ok, request, wait_until


class TimeoutTest(WeirTest):

  def setUp(self):
    super().setUp()
    self.before = self.weir.stats()

  def counted(self, name):
    return self.weir.stat(name) - self.before[name]

  def silent(self, wire):
    wire.request()
    wire.rest()


class RequestHeaders(TimeoutTest):
  http = {"request_headers_timeout": "0.3s"}

  def test_a_head_that_does_not_end_is_408(self):
    client = self.connect()
    client.send(b"GET / HTTP/1.1\r\nhost: a.te")
    response = client.response()
    self.assertEqual((response.status, response.closes()), (408, True))
    self.assertTrue(client.at_end())
    self.assertEqual(self.counted("http.main.downstream_rq_header_timeout"), 1)

  def test_bytes_that_keep_dripping_do_not_help(self):
    client = self.connect()
    stop = threading.Event()

    def drip():
      try:
        client.send(b"GET / HTTP/1.1\r\n")
        while not stop.wait(0.02):
          client.send(b"x")
      except OSError:
        pass
    thread = threading.Thread(target=drip)
    thread.start()
    self.assertEqual(client.response().status, 408)
    stop.set()
    thread.join()

  def test_the_time_begins_with_the_first_byte(self):
    client = self.connect()
    self.assertFalse(client.has_input(0.5))
    self.assertEqual(client.send(request()).response().status, 200)
    self.assertFalse(client.has_input(0.5))
    self.assertEqual(client.send(request()).response().status, 200)


class Request(TimeoutTest):
  http = {"request_timeout": "0.3s"}

  def test_a_body_that_does_not_end_is_408(self):
    client = self.connect()
    client.send(request(method="POST", fields=[("content-length", "10")]) + b"123")
    response = client.response()
    self.assertEqual((response.status, response.closes()), (408, True))
    self.assertTrue(client.at_end())
    self.assertEqual(self.counted("http.main.downstream_rq_timeout"), 1)

  def test_a_slow_answer_is_not_the_requests_fault(self):
    def script(wire):
      wire.request()
      wire.has_input(0.6)
      wire.send(ok())
    self.backend.script = script
    self.assertEqual(self.get().status, 200)


class StreamIdle(TimeoutTest):
  http = {"stream_idle_timeout": "0.3s"}

  def test_silent_client_is_408(self):
    client = self.connect()
    client.send(request(method="POST", fields=[("content-length", "10")]) + b"123")
    self.assertEqual(client.response().status, 408)
    self.assertEqual(self.counted("http.main.downstream_rq_idle_timeout"), 1)

  def test_silent_backend_is_504(self):
    self.backend.script = self.silent
    self.assertEqual(self.get().status, 504)
    self.assertEqual(self.counted("http.main.downstream_rq_idle_timeout"), 1)

  def test_silence_inside_the_answer_ends_the_connection(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345")
      wire.rest()
    self.backend.script = script
    client = self.connect()
    client.send(request())
    with self.assertRaises(harness.Truncated):
      client.response()

  def test_every_byte_gives_new_time(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n")
      for number in range(8):
        wire.has_input(0.12)
        wire.send(b"%d" % number)
    self.backend.script = script
    self.assertEqual(self.get().body, b"01234567")

  def test_client_that_does_not_take_its_answer_is_cut(self):
    self.backend.answer = lambda seen: ok(b"x" * (16 << 20))
    cut = self.weir.stat("http.main.downstream_rq_idle_timeout")
    client = self.connect(receive_buffer=4096)
    client.send(request())
    self.weir.wait_stat("http.main.downstream_rq_idle_timeout", cut + 1)
    with self.assertRaises((harness.Truncated, ConnectionError)):
      client.response()


class Route(TimeoutTest):
  routes = [harness.route(prefix="/short", timeout="0.3s"), harness.route(prefix="/idle", idle_timeout="0.3s"),
            harness.route(prefix="/max", max_stream_duration="0.3s"), harness.route(prefix="/none", timeout="0s")]

  def test_no_answer_within_the_routes_time_is_504(self):
    self.backend.script = self.silent
    response = self.get("/short")
    self.assertEqual(response.status, 504)
    self.assertEqual(self.counted("cluster.app.upstream_rq_timeout"), 1)

  def test_client_connection_is_good_after_a_504(self):
    self.backend.scripts = [self.silent]
    client = self.connect()
    self.assertEqual(client.send(request("/short/1")).response().status, 504)
    self.assertEqual(client.send(request("/short/2")).response().body, b"/short/2")

  def test_the_backends_connection_is_closed(self):
    self.backend.script = self.silent
    self.get("/short")
    wait_until(lambda: getattr(self.backend.wires[0], "done", False), "the end of the backend's connection")

  def test_the_routes_time_covers_the_whole_answer(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
      for _ in range(100):
        if wire.has_input(0.02):
          return
        wire.send(b"x")
    self.backend.script = script
    client = self.connect()
    client.send(request("/short"))
    with self.assertRaises(harness.Truncated):
      client.response()

  def test_the_routes_time_begins_when_the_request_is_complete(self):
    client = self.connect()
    client.send(request("/short", method="POST", fields=[("content-length", "2")]) + b"1")
    self.assertFalse(client.has_input(0.6))
    client.send(b"2")
    self.assertEqual(client.response().status, 200)

  def test_idle_timeout_of_the_route(self):
    self.backend.script = self.silent
    self.assertEqual(self.get("/idle").status, 504)

  def test_max_stream_duration_of_the_route(self):
    self.backend.script = self.silent
    self.assertEqual(self.get("/max").status, 504)
    self.assertEqual(self.counted("http.main.downstream_rq_max_duration_reached"), 1)

  def test_max_stream_duration_cuts_an_answer_that_goes_on(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
      for _ in range(100):
        if wire.has_input(0.02):
          return
        wire.send(b"x")
    self.backend.script = script
    client = self.connect()
    client.send(request("/max"))
    with self.assertRaises(harness.Truncated):
      client.response()


class Connecting(TimeoutTest):
  """An address where a connect waits: a listening socket whose queue is full."""

  @classmethod
  def make_config(cls):
    full = harness.socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    cls.addClassCleanup(full.close)
    address = full.getsockname()
    fillers = [harness.socket.socket() for _ in range(4)]
    for filler in fillers:
      filler.setblocking(False)
      filler.connect_ex(address)
      cls.addClassCleanup(filler.close)
    return harness.config(
        [harness.listener(routes=[harness.route("full", "/full", timeout="0s"), harness.route()])],
        [harness.cluster("app", cls.backend.address),
         harness.cluster("full", "127.0.0.1:%d" % address[1], connect_timeout="0.1s")])

  def test_connect_that_takes_too_long_is_503_after_3_attempts(self):
    response = self.get("/full")
    self.assertEqual(response.status, 503)
    self.assertEqual(self.counted("cluster.full.upstream_cx_connect_timeout"), 3)

  def test_client_that_goes_away_leaves_the_queue(self):
    client = self.connect()
    client.send(request("/full"))
    self.weir.wait_stat("cluster.full.upstream_rq_pending_active", 1)
    client.rst()
    self.weir.wait_stat("cluster.full.upstream_rq_pending_active", 0)


class IdleConnections(TimeoutTest):
  http = {"common_http_protocol_options": {"idle_timeout": "0.3s"}}
  cluster_keys = {"idle_timeout": "0.2s"}

  def test_idle_client_connection_is_closed(self):
    client = self.connect()
    client.send(request()).response()
    self.assertTrue(client.at_end())
    self.assertEqual(self.counted("http.main.downstream_cx_idle_timeout"), 1)

  def test_client_connection_without_a_request_is_closed(self):
    self.assertTrue(self.connect().at_end())

  def test_idle_backend_connection_is_closed(self):
    self.get()
    wait_until(lambda: getattr(self.backend.wires[0], "done", False), "the end of the backend's connection")
    self.assertEqual(self.counted("cluster.app.upstream_cx_idle_timeout"), 1)


class ConnectionDuration(TimeoutTest):
  http = {"common_http_protocol_options": {"max_connection_duration": "0.3s"}}

  def test_an_old_connection_is_closed_when_it_is_idle(self):
    client = self.connect()
    client.send(request()).response()
    self.assertTrue(client.at_end())

  def test_an_old_connection_finishes_its_request(self):
    def script(wire):
      wire.request()
      wire.has_input(0.6)
      wire.send(ok(b"late"))
    self.backend.script = script
    client = self.connect()
    response = client.send(request()).response()
    self.assertEqual((response.body, response.closes()), (b"late", True))
    self.assertTrue(client.at_end())


class SlowBody(TimeoutTest):
  http = {"min_request_body_rate": 1000, "min_request_body_rate_window": "1s"}

  def test_a_body_slower_than_the_rate_is_408(self):
    client = self.connect()
    stop = threading.Event()

    def drip():
      try:
        client.send(request(method="POST", fields=[("content-length", "1000000")]))
        while not stop.wait(0.05):
          client.send(b"x")
      except OSError:
        pass
    thread = threading.Thread(target=drip)
    thread.start()
    self.assertEqual(client.response().status, 408)
    stop.set()
    thread.join()
    self.assertEqual(self.counted("http.main.downstream_rq_slow_body"), 1)

  def test_a_slow_backend_is_not_the_clients_fault(self):
    def script(wire):
      wire.head()
      wire.has_more = harness.select.select([], [], [], 1.5)
      wire.take(8 << 20)
      wire.send(ok())
    self.backend.script = script
    client = self.connect()
    body = b"x" * (8 << 20)
    client.send(request(method="POST", body=body))
    self.assertEqual(client.response().status, 200)


if __name__ == "__main__":
  harness.main()
