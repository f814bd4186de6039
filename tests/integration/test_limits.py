"""Limits: what lies beyond one is refused in the way that the documentation says, and counted."""

import threading

import harness
from harness import WeirTest, chunks, ok, request, wait_until


class Heads(WeirTest):
  http = {"max_request_headers_kb": 4, "common_http_protocol_options": {"max_headers_count": 20}}

  def test_too_many_fields_are_431(self):
    fields = [("x-%d" % n, "1") for n in range(30)]
    client = self.connect()
    response = client.send(request(fields=fields)).response()
    self.assertEqual((response.status, response.closes()), (431, True))
    self.assertTrue(client.at_end())
    self.assertEqual(self.backend.total_received(), 0)

  def test_as_many_fields_as_allowed_pass(self):
    fields = [("x-%d" % n, "1") for n in range(19)]
    self.assertEqual(self.get(fields=fields).status, 200)

  def test_too_large_a_head_is_431(self):
    client = self.connect()
    response = client.send(request(fields=[("x-a", "a" * 5000)])).response()
    self.assertEqual((response.status, response.closes()), (431, True))
    self.assertEqual(self.backend.total_received(), 0)

  def test_too_large_a_head_in_pieces_is_431(self):
    client = self.connect()
    try:
      client.send(b"GET / HTTP/1.1\r\nhost: a.test\r\n")
      for _ in range(200):
        client.send(b"x-a: " + b"b" * 100 + b"\r\n")
    except ConnectionError:
      pass
    self.assertEqual(client.response().status, 431)

  def test_too_long_a_target_is_414(self):
    client = self.connect()
    response = client.send(request("/" + "a" * 5000)).response()
    self.assertEqual((response.status, response.closes()), (414, True))
    self.assertEqual(self.backend.total_received(), 0)


class Bodies(WeirTest):

  @classmethod
  def make_config(cls):
    small = harness.route(prefix="/small")
    small["max_request_bytes"] = 1000
    return harness.config([harness.listener(routes=[small, harness.route()])],
                          [harness.cluster("app", cls.backend.address)])

  def test_announced_body_beyond_max_request_bytes_is_413(self):
    before = self.weir.stat("http.main.downstream_rq_too_large")
    client = self.connect()
    client.send(request("/small", method="POST", fields=[("content-length", "1001")]))
    self.assertEqual(client.response().status, 413)
    self.assertEqual(self.backend.total_received(), 0)
    self.assertEqual(self.weir.stat("http.main.downstream_rq_too_large"), before + 1)

  def test_chunked_body_beyond_max_request_bytes_is_413(self):
    client = self.connect()
    client.send(request("/small", method="POST", fields=[("transfer-encoding", "chunked")]))
    client.send(b"".join(b"64\r\n" + b"x" * 100 + b"\r\n" for _ in range(11)))
    self.assertEqual(client.response().status, 413)
    self.assertEqual(self.backend.requests, [])

  def test_body_of_max_request_bytes_passes(self):
    self.assertEqual(self.get("/small", method="POST", body=b"x" * 1000).status, 200)
    client = self.connect()
    client.send(request("/small", method="POST", fields=[("transfer-encoding", "chunked")]) + chunks(b"x" * 1000))
    self.assertEqual(client.response().status, 200)

  def test_other_routes_have_no_limit(self):
    self.assertEqual(self.get("/large", method="POST", body=b"x" * 100000).status, 200)


class Requests(WeirTest):
  cluster_keys = {"circuit_breakers": {"thresholds": [{"max_connections": 2, "max_pending_requests": 2, "max_requests": 4}]}}

  def hold(self):
    """A backend that answers when told to."""
    go = threading.Event()
    self.addCleanup(go.set)

    def script(wire):
      while True:
        seen = wire.request()
        if seen is None:
          return
        go.wait(harness.DEADLINE)
        wire.send(ok(seen.target.encode()))
    self.backend.script = script
    return go

  def fill_up(self):
    """Two requests on connections, and two that wait for one."""
    clients = [self.connect() for _ in range(4)]
    for number, client in enumerate(clients):
      client.send(request("/%d" % number))
      if number == 1:
        wait_until(lambda: sum(1 for wire in self.backend.wires if wire.received) == 2, "two requests at the backend")
    self.weir.wait_stat("cluster.app.upstream_rq_pending_active", 2)
    self.weir.wait_stat("cluster.app.upstream_rq_active", 4)
    return clients

  def test_requests_beyond_the_connections_wait_their_turn(self):
    go = self.hold()
    clients = self.fill_up()
    self.assertEqual(len(self.backend.wires), 2)
    go.set()
    for number, client in enumerate(clients):
      self.assertEqual(client.response().body, b"/%d" % number)
    self.assertEqual(len(self.backend.wires), 2)

  def test_a_request_beyond_max_requests_is_503_overloaded(self):
    go = self.hold()
    clients = self.fill_up()
    before = self.weir.stat("cluster.app.upstream_rq_overflow")
    response = self.get()
    self.assertEqual((response.status, response.get("x-envoy-overloaded")), (503, "true"))
    self.assertEqual(self.weir.stat("cluster.app.upstream_rq_overflow"), before + 1)
    go.set()
    for client in clients:
      self.assertEqual(client.response().status, 200)


class Pending(WeirTest):
  cluster_keys = {"circuit_breakers": {"thresholds": [{"max_connections": 1, "max_pending_requests": 1}]}}

  def test_a_request_beyond_max_pending_is_503_overloaded(self):
    go = threading.Event()
    self.addCleanup(go.set)

    def script(wire):
      while True:
        if wire.request() is None:
          return
        go.wait(harness.DEADLINE)
        wire.send(ok())
    self.backend.script = script
    first = self.connect().send(request())
    self.weir.wait_stat("cluster.app.upstream_rq_active", 1)
    wait_until(lambda: self.backend.total_received(), "the first request")
    second = self.connect().send(request())
    self.weir.wait_stat("cluster.app.upstream_rq_pending_active", 1)
    response = self.get()
    self.assertEqual((response.status, response.get("x-envoy-overloaded")), (503, "true"))
    self.assertGreater(self.weir.stat("cluster.app.upstream_rq_pending_overflow"), 0)
    go.set()
    self.assertEqual(first.response().status, 200)
    self.assertEqual(second.response().status, 200)


class PerConnection(WeirTest):
  http = {"common_http_protocol_options": {"max_requests_per_connection": 3}}
  cluster_keys = {"max_requests_per_connection": 2}

  def test_client_connection_ends_after_its_last_request(self):
    client = self.connect()
    self.assertFalse(client.send(request()).response().closes())
    self.assertFalse(client.send(request()).response().closes())
    self.assertTrue(client.send(request()).response().closes())
    self.assertTrue(client.at_end())

  def test_backend_connection_ends_after_its_last_request(self):
    for _ in range(4):
      self.assertEqual(self.get().status, 200)
    self.assertEqual(len(self.backend.wires), 2)


class Connections(WeirTest):
  listener_keys = {"connection_limit": 3}
  expect_warnings = ("3 connections are open, new ones wait",)

  def test_connections_beyond_the_listeners_limit_wait(self):
    before = self.weir.stat("listener.main.downstream_cx_overflow")
    clients = [self.connect() for _ in range(3)]
    for client in clients:
      self.assertEqual(client.send(request()).response().status, 200)
    late = self.connect()
    late.send(request("/late"))
    self.assertFalse(late.has_input(0.2))
    clients[0].close()
    self.assertEqual(late.response().body, b"/late")
    self.assertGreater(self.weir.stat("listener.main.downstream_cx_overflow"), before)

  def test_more_clients_than_the_limit_are_all_served_in_the_end(self):
    clients = [self.connect() for _ in range(20)]
    for number, client in enumerate(clients):
      client.send(request("/%d" % number, [("connection", "close")]))
    for number, client in enumerate(clients):
      self.assertEqual(client.response().body, b"/%d" % number)
      client.close()


class AllConnections(WeirTest):
  expect_warnings = ("6 connections are open, new ones wait",)

  @classmethod
  def make_config(cls):
    return harness.config([harness.listener()], [harness.cluster("app", cls.backend.address)],
                          limits={"max_connections": 6})

  def test_connections_beyond_the_limit_of_the_process_wait(self):
    clients = [self.connect() for _ in range(5)]
    for client in clients:
      self.assertEqual(client.send(request()).response().status, 200)
    more = [self.connect() for _ in range(3)]
    for client in more:
      client.send(request("/late"))
    for client in clients:
      client.close()
    for client in more:
      self.assertEqual(client.response().body, b"/late")
      client.close()


class Descriptors(WeirTest):
  """A process that runs out of descriptors refuses new work and goes on."""
  descriptors = 64
  expect_warnings = ("Too many open files",)

  def test_out_of_descriptors_is_survived(self):
    clients = []
    for _ in range(100):
      client = self.connect()
      client.send(request("/x"))
      clients.append(client)
    served = 0
    for client in clients[:20]:
      try:
        served += client.response().status in (200, 503)
      except (harness.Truncated, ConnectionError):
        pass
      client.close()
    self.assertGreater(served, 0)
    for client in clients:
      client.close()
    wait_until(self.answers, "the process to serve again")

  def answers(self):
    try:
      return self.get().status == 200
    except (harness.Truncated, ConnectionError):
      return False


if __name__ == "__main__":
  harness.main()
