"""The filter fault: delays, aborts and slow answers, over both protocols; and nothing left of them."""

import time

import harness
from filters import FilterTest
from harness import ok
from peers import pieces

ALL = {"numerator": 100}
SIZE = 300000
BODY = b"".join(pieces(SIZE))


class Fault(FilterTest):
  http = {"http_filters": [{"name": "envoy.filters.http.fault",
                            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
                                             "delay": {"header_delay": {}, "percentage": ALL},
                                             "abort": {"header_abort": {}, "percentage": ALL}}},
                           {"name": "mux"}]}
  routes = [{"match": {"prefix": "/late"}, "route": {"cluster": "app"},
             "typed_per_filter_config": {"fault": {"delay": {"fixed_delay": "0.2s", "percentage": ALL}}}},
            {"match": {"prefix": "/stuck"}, "route": {"cluster": "app"},
             "typed_per_filter_config": {"fault": {"delay": {"fixed_delay": "1h", "percentage": ALL}, "max_active_faults": 1}}},
            {"match": {"prefix": "/grpc"}, "route": {"cluster": "app"},
             "typed_per_filter_config": {"fault": {"abort": {"grpc_status": 8, "percentage": ALL}}}},
            {"match": {"prefix": "/slow"}, "route": {"cluster": "app"},
             "typed_per_filter_config": {"fault": {"response_rate_limit": {"fixed_limit": {"limit_kbps": 1000},
                                                                           "percentage": ALL}}}},
            {"match": {"prefix": "/"}, "route": {"cluster": "app"}}]

  def active(self):
    return self.weir.stat("plugin.fault.active_faults")

  def tearDown(self):
    super().tearDown()
    self.assertEqual(self.active(), 0)

  def test_a_late_request_is_late_and_whole(self):
    def check(client):
      start = time.monotonic()
      exchange = client.start("POST", "/late", length=SIZE, end=False)
      exchange.send_body(SIZE)
      if client.multiplexed:
        exchange.end()
      self.assertEqual(exchange.response().status, 200)
      self.assertGreaterEqual(time.monotonic() - start, 0.19)
      self.assertEqual(self.backend.requests[-1].body, BODY)
    self.over_both(check)

  def test_the_request_says_how_late_it_is(self):
    def check(client):
      before = self.weir.stat("plugin.fault.delays_injected")
      start = time.monotonic()
      self.assertEqual(self.ask(client, "/", [("x-envoy-fault-delay-request", "150")]).status, 200)
      self.assertGreaterEqual(time.monotonic() - start, 0.14)
      self.assertEqual(self.weir.stat("plugin.fault.delays_injected"), before + 1)
    self.over_both(check)

  def test_an_abort_reaches_no_backend(self):
    def check(client):
      answer = self.ask(client, "/", [("x-envoy-fault-abort-request", "429")])
      self.assertEqual((answer.status, answer.body.start), (429, b"fault filter abort"))
      answer = self.ask(client, "/", [("x-envoy-fault-abort-request", "503"), ("x-envoy-fault-delay-request", "20")])
      self.assertEqual(answer.status, 503)
      self.assertEqual(self.backend.requests, [])
    self.over_both(check)

  def test_an_abort_of_grpc_has_its_status(self):
    def check(client):
      answer = self.ask(client, "/grpc", [("content-type", "application/grpc")], "POST")
      self.assertEqual((answer.status, [value for name, value in answer.fields if name == "grpc-status"]), (200, ["8"]))
      self.assertEqual(self.ask(client, "/grpc").status, 200)
      self.assertEqual(self.backend.requests, [])
    self.over_both(check)

  def test_a_slow_answer_is_slow_and_whole(self):
    def check(client):
      for length in (True, False):
        chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + harness.chunks(BODY)
        self.backend.answer = lambda seen: ok(BODY) if length else chunked
        start = time.monotonic()
        answer = self.ask(client, "/slow")
        answer.body.check(SIZE)
        self.assertEqual(answer.get("content-length"), str(SIZE) if length else None)
        # 51,200 bytes each 50 ms, the first of them at once.
        self.assertGreaterEqual(time.monotonic() - start, 0.24)
    self.over_both(check)

  def test_a_client_that_goes_during_a_delay_leaves_nothing(self):
    for protocol in ("h1", "h2"):
      with self.subTest(protocol):
        with self.client(protocol) as client:
          exchange = client.start("GET", "/stuck")
          self.weir.wait_stat("plugin.fault.active_faults", 1)
          exchange.cancel()
          self.weir.wait_stat("plugin.fault.active_faults", 0)
        self.weir.wait_idle()
    self.assertEqual(self.backend.wires, [])

  def test_over_the_most_active_faults_requests_are_left_alone(self):
    with self.client("h1") as stuck, self.client("h1") as other:
      exchange = stuck.start("GET", "/stuck")
      self.weir.wait_stat("plugin.fault.active_faults", 1)
      before = self.weir.stat("plugin.fault.faults_overflow")
      self.assertEqual(self.ask(other, "/stuck").status, 200)
      self.assertEqual(self.weir.stat("plugin.fault.faults_overflow"), before + 1)
      exchange.cancel()  # an end alone could be half of one
    self.weir.wait_stat("plugin.fault.active_faults", 0)

  def test_a_client_that_goes_during_a_slow_answer_leaves_nothing(self):
    self.backend.answer = lambda seen: ok(BODY)
    client = self.connect()
    client.send(harness.request("/slow"))
    self.assertEqual(client.head().status, 200)
    client.rst()
    self.weir.wait_stat("plugin.fault.active_faults", 0)


if __name__ == "__main__":
  harness.main()
