"""gRPC by a widely used library on both sides: the four forms of a call, deadlines, cancellation, status and metadata."""

import shutil
import signal
import tempfile

import certificates
import harness
import node
from harness import WeirTest, cluster, config, listener, route

BOUND_MS = 400


class GrpcTest(WeirTest):
  """A server of node behind the program; `server_arguments` are its arguments."""

  server_arguments = ()
  downstream = {"codecs": ["h2", "h1"]}
  upstream = {"protocol": "h2", "idle_timeout": "0.2s"}
  listener_keys = {}
  server_environment = {}
  client_environment = {}

  @classmethod
  def setUpClass(cls):
    node.require("@grpc/grpc-js")
    super().setUpClass()

  @classmethod
  def make_config(cls):
    cls.server = node.Program("grpc/server.js", *cls.server_arguments, **cls.server_environment)
    cls.addClassCleanup(lambda: cls.server.end())
    cls.port = int(cls.server.line())
    bounded = {"grpc_timeout_header_max": "%dms" % BOUND_MS}
    routes = [route(prefix="/weir.test.Echo/Bounded", timeout="0s", max_stream_duration=bounded),
              route(prefix="/weir.test.Echo/", timeout="0s"),
              {"match": {"prefix": "/refused"}, "direct_response": {"status": 429}}]
    return config([listener("main", routes, options=cls.listener_keys, **cls.downstream)],
                  [cluster("app", "127.0.0.1:%d" % cls.port, **cls.upstream)])

  def start(self, scenario, argument=""):
    program = node.Program("grpc/client.js", self.weir.addresses["main"], scenario, argument,
                           **self.client_environment)
    self.addCleanup(program.end)
    return program

  def call(self, scenario, argument=""):
    return self.start(scenario, argument).result()


class Calls(GrpcTest):
  """The forms of a call, and what travels with them."""

  def test_unary(self):
    self.assertEqual(self.call("unary"), {"reply": "hello", "initial": {"content-type": ["application/grpc+proto"]}, "code": "OK",
                                          "details": "OK", "trailers": {}})

  def test_unary_of_nothing(self):
    got = self.call("empty")
    self.assertEqual((got["reply"], got["code"]), (0, "OK"))

  def test_client_streaming(self):
    self.assertEqual(self.call("client_stream"), {"count": 1000, "bytes": 999 * 1000 // 2})

  def test_client_streaming_without_a_message(self):
    self.assertEqual(self.call("client_stream_of_none"), {"count": 0, "bytes": 0})

  def test_server_streaming(self):
    got = self.call("server_stream")
    self.assertEqual((got["messages"], got["bytes"], got["code"]), (1000, 1000000, "OK"))

  def test_server_streaming_without_a_message(self):
    got = self.call("server_stream_of_none")
    self.assertEqual((got["messages"], got["code"]), (0, "OK"))

  def test_bidirectional_streaming_in_turns(self):
    got = self.call("bidi")
    self.assertEqual((got["sent"], got["right"], got["code"]), (1000, True, "OK"))

  def test_bidirectional_streaming_at_once(self):
    got = self.call("bidi_flood")
    self.assertEqual((got["messages"], got["bytes"], got["code"]), (1000, 4000000, "OK"))

  def test_a_message_of_four_mebibytes_both_ways(self):
    self.assertEqual(self.call("large"), {"code": "OK", "same": True})

  def test_a_hundred_calls_at_once_on_one_connection(self):
    before = self.weir.stat("http.main.downstream_cx_total")
    self.assertEqual(self.call("parallel"), {"ok": 100})
    self.assertEqual(self.weir.stat("http.main.downstream_cx_total"), before + 1)

  def test_ninety_nine_streams_and_another_that_is_not_in_their_way(self):
    before = self.weir.stat("http.main.downstream_cx_total")
    self.assertEqual(self.call("parallel_streams"), {"active": 99, "ok": 99})
    self.assertEqual(self.weir.stat("http.main.downstream_cx_total"), before + 1)

  def test_metadata_comes_through_untouched(self):
    got = self.call("metadata")
    self.assertEqual(got["code"], "OK")
    initial = dict(got["initial"])
    del initial["content-type"]
    # The library itself joins what came twice.
    self.assertEqual(initial, {"echo-text": ["a, b"], "echo-twice": ["one, two"], "echo-bytes-bin": ["0001ff0d0a"]})
    self.assertEqual(got["trailers"], {"trail-text": ["at the end"], "trail-bytes-bin": ["fe00"]})


class CallsOverTls(Calls):
  """The same with TLS on both sides, where the handshake says that it is HTTP/2."""

  downstream = {}
  upstream = {"protocol": "auto", "idle_timeout": "0.2s"}

  @classmethod
  def setUpClass(cls):
    directory = tempfile.mkdtemp(prefix="weir-grpc-")
    cls.addClassCleanup(shutil.rmtree, directory)
    authority = certificates.Authority(directory)
    cert, key = authority.issue("site", ["DNS:site.test", "IP:127.0.0.1"])
    cls.listener_keys = {"tls": {"certificates": [{"cert": cert, "key": key}]}}
    cls.upstream = dict(cls.upstream, tls={"ca": authority.cert})
    cls.server_environment = {"GRPC_CERT": cert, "GRPC_KEY": key}
    cls.client_environment = {"GRPC_CA": authority.cert}
    super().setUpClass()


class Endings(GrpcTest):
  """How calls end that do not end well."""

  def test_trailers_only(self):
    got = self.call("trailers_only")
    self.assertEqual((got["messages"], got["code"], got["details"]), (0, "FAILED_PRECONDITION", "n\u00f6: 100% \n"))
    self.assertEqual(got["trailers"]["trail-why-bin"], ["00ff0a0d"])

  def test_an_error_after_messages(self):
    got = self.call("error_after_messages")
    self.assertEqual((got["messages"], got["code"], got["details"]), (3, "ABORTED", "stop"))
    self.assertEqual(got["trailers"]["trail-why-bin"], ["00ff0a0d"])

  def test_every_status_of_the_backend(self):
    names = ["CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
             "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
             "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"]
    self.assertEqual(self.call("every_status"), names)

  def test_a_method_that_the_backend_does_not_have(self):
    self.assertEqual(self.call("unknown_method")["code"], "UNIMPLEMENTED")

  def test_a_deadline_is_passed_on(self):
    left = self.call("deadline_passed_on")["left"]
    self.assertTrue(20000 < left <= 30000, left)

  def test_no_deadline_is_made_up(self):
    self.assertEqual(self.call("no_deadline"), {"left": "none"})

  def test_a_bounded_deadline_is_told_to_the_backend(self):
    left = self.call("deadline_bounded")["left"]
    self.assertTrue(0 < left <= BOUND_MS, left)

  def test_a_deadline_of_the_client_ends_the_call_at_the_backend(self):
    got = self.call("deadline_of_the_client")
    self.assertEqual((got["messages"], got["code"]), (1, "DEADLINE_EXCEEDED"))

  def test_a_deadline_of_the_proxy_ends_the_call_on_both_sides(self):
    before = self.weir.stat("http.main.downstream_rq_max_duration_reached")
    got = self.call("deadline_of_the_proxy", "0")
    # The backend was told the same deadline, and may be the first to say so.
    self.assertEqual((got["messages"], got["code"]), (0, "DEADLINE_EXCEEDED"))
    self.assertTrue(BOUND_MS - 50 <= got["took"] < 20000, got)
    self.assertIn(self.weir.stat("http.main.downstream_rq_max_duration_reached"), (before, before + 1))

  def test_a_cancelled_call_ends_at_the_backend(self):
    before = self.weir.stat("http.main.downstream_rq_rx_reset")
    self.assertEqual(self.call("cancel"), ["CANCELLED", "CANCELLED"])
    self.assertEqual(self.weir.stat("http.main.downstream_rq_rx_reset"), before + 2)

  def test_a_call_cancelled_while_it_sends_ends_at_the_backend(self):
    before = self.weir.stat("http.main.downstream_rq_rx_reset")
    self.assertEqual(self.call("cancel_while_sending"), {"code": "CANCELLED"})
    self.assertEqual(self.weir.stat("http.main.downstream_rq_rx_reset"), before + 1)


class Quiet(GrpcTest):
  """A request that takes its time is no slow request when it is a conversation."""

  downstream = {"codecs": ["h2", "h1"], "request_timeout": "0.3s", "min_request_body_rate": 1000,
                "min_request_body_rate_window": "1s"}

  def test_a_stream_may_be_quiet_for_longer_than_a_request_may_take(self):
    got = self.call("quiet", 1300)
    self.assertEqual((got["messages"], got["code"]), (2, "OK"))


class Deaths(GrpcTest):
  """The backend goes."""

  def test_a_killed_backend_is_unavailable(self):
    program = self.start("killed")
    self.assertEqual(program.line(), "started")
    self.server.kill()
    got = program.result()
    self.assertEqual((got["messages"], got["code"]), (1, "UNAVAILABLE"))
    # And so is one that cannot be reached, in a local reply.
    got = self.call("unary_failing")
    self.assertEqual(got["code"], "UNAVAILABLE")


class Drains(GrpcTest):
  """Connections end on both sides while calls go on."""

  downstream = {"codecs": ["h2", "h1"], "drain_timeout": "1s",
                "common_http_protocol_options": {"max_connection_duration": "0.1s"}}
  # A server of grpc-js that ends a connection for its age drops what is on its way to it without a word of which streams it
  # saw; the slower the proxy, the more that is. With node 18 it ends in the middle of its answers, after their heads.
  server_arguments = () if harness.SANITIZED or node.major() < 20 else (150,)

  def test_no_call_fails_while_connections_are_replaced_on_both_sides(self):
    calls = 20000 if harness.SOAK else 3000
    self.assertEqual(self.call("load", calls), {"ok": calls, "failed": {}})
    self.assertGreater(self.weir.stat("http.main.downstream_cx_total"), 2)
    if self.server_arguments:
      self.assertGreater(self.weir.stat("cluster.app.upstream_cx_total"), 2)


class Shutdown(GrpcTest):
  """The program is told to end."""

  def test_a_call_that_runs_comes_to_its_end(self):
    program = self.start("drained")
    self.assertEqual(program.line(), "started")
    self.weir.signal(signal.SIGTERM)
    harness.wait_until(lambda: not self.accepts(), "the listener to close")
    program.tell("go on")
    got = program.result()
    self.assertEqual((got["messages"], got["code"]), (2, "OK"))
    self.assertEqual(self.weir.wait_exit(harness.DEADLINE), 0)
    self.server.end()
    self.restart()

  def accepts(self):
    try:
      self.connect().close()
    except OSError:
      return False
    return True


if __name__ == "__main__":
  harness.main()
