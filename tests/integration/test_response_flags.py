"""Each way in which a request or a connection can end has its line in the access log, with Envoy's response flags and details: one
table of cases for requests, one for connections of the TCP proxy. docs/access_logs.md is the table for users."""

import json
import os
import socket

import h2_peer
import harness
from harness import Backend, Wire, WeirTest, closed_port, cluster, config, listener, ok, request, route, wait_until

SHORT = "0.2s"
LINE = {"path": "%REQ(:PATH)%", "protocol": "%PROTOCOL%", "code": "%RESPONSE_CODE%", "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%"}
BEFORE = "upstream_reset_before_response_started{%s}"
AFTER = "upstream_reset_after_response_started{%s}"


def log(file, **fields):
  return [{"name": "file", "typed_config": {"path": file, "log_format": {"json_format": fields}}}]


def filtered(name, *filters, routes=None, **keys):
  return listener(name, routes or [route()], http_filters=list(filters) + [{"name": "mux"}],
                  access_log=log("requests.json", **LINE), **keys)


def silence():
  """The address of a name server that is not there."""
  with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
    port.bind(("127.0.0.1", 0))
    return "127.0.0.1:%d" % port.getsockname()[1]


def silent(wire):
  """Takes the request and says nothing."""
  wire.request()
  wire.rest()


class Lines(WeirTest):
  """What a file of JSON lines holds since the last look."""
  expect_warnings = ("cluster empty: lookup of nobody.test: ",)

  def setUp(self):
    super().setUp()
    self.streams = []

  def tearDown(self):
    for connection in self.streams:
      connection.close()
    super().tearDown()

  def now(self, name):
    path = self.weir.path(name)
    if not os.path.exists(path):
      return []
    with open(path, encoding="utf-8") as file:
      return [json.loads(line) for line in file.read().split("\n")[:-1]]

  def one(self, name, act):
    """The one line that comes of act()."""
    before = len(self.now(name))
    act()
    lines = wait_until(lambda: self.now(name)[before:], "a line in " + name)
    self.assertEqual(len(lines), 1, lines)
    return lines[0]

  def h2(self, name="main"):
    self.streams.append(h2_peer.Connection(self.connect(name)).begin())
    return self.streams[-1]


class Requests(Lines):

  @classmethod
  def make_config(cls):
    cls.authz, cls.other = Backend(), Backend()
    cls.backends += [cls.authz, cls.other]
    nobody, dead = closed_port()
    cls.addClassCleanup(nobody.close)
    main = listener("main", [
        {"match": {"path": "/direct"}, "direct_response": {"status": 204}},
        {"match": {"path": "/moved"}, "redirect": {"path_redirect": "/direct"}},
        route("app", "/slow", timeout=SHORT), route("app", "/idle", idle_timeout=SHORT),
        route("app", "/life", max_stream_duration=SHORT), dict(route("app", "/small"), max_request_bytes=10),
        route("app", "/app"), route("dead", "/dead"), route("empty", "/empty"), route("one", "/one"), route("h2", "/h2")],
                    access_log=log("requests.json", **LINE), common_http_protocol_options={"max_headers_count": 20}, max_request_headers_kb=4,
                    stream_idle_timeout="60s")
    bucket = {"stat_prefix": "it", "token_bucket": {"max_tokens": 1, "fill_interval": "86400s"}}
    asks = {"http_service": {"server_uri": {"uri": "http://authz", "cluster": "authz", "timeout": "10s"}}}
    fault = {"abort": {"http_status": 418, "percentage": {"numerator": 100}}}
    late = {"delay": {"fixed_delay": "0.05s", "percentage": {"numerator": 100}}}
    rules = {"rules": {"action": "DENY", "policies": {"the-rule": {"permissions": [{"any": True}], "principals": [{"any": True}]}}}}
    return config([
        main,
        listener("hurry", [route()], request_timeout="0.3s", request_headers_timeout="0.3s",
                 access_log=log("requests.json", **LINE)),
        filtered("limited", {"name": "local_ratelimit", "typed_config": bucket}),
        filtered("asked", {"name": "ext_authz", "typed_config": asks}),
        filtered("broken", {"name": "fault", "typed_config": fault}),
        filtered("late", {"name": "fault", "typed_config": late}),
        filtered("ruled", {"name": "rbac", "typed_config": rules}),
        filtered("buffered", {"name": "buffer", "typed_config": {"max_request_bytes": 10}}),
        filtered("passed", {"name": "basic_auth", "typed_config": {"users": {"inline_string": "a:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="}}}),
    ], [cluster("app", cls.backend.address), cluster("dead", dead), cluster("empty", "nobody.test:80", type="STRICT_DNS", dns_resolvers=[silence()]),
        cluster("one", cls.other.address, circuit_breakers={"thresholds": [{"max_requests": 1}]}),
        cluster("h2", cls.other.address, protocol="h2"), cluster("authz", cls.authz.address)])

  # ---- The table's verbs.
  def check(self, act, code, flags, details, path="-", protocol="HTTP/1.1"):
    line = self.one("requests.json", act)
    self.assertEqual((line["code"], line["flags"], line["details"], line["path"] or "-", line["protocol"]),
                     (code, flags, details, path, protocol))

  def asks(self, path, *args, name="main", **keys):
    return lambda: self.get(path, *args, name=name, **keys)

  def says(self, data, name="main"):
    """Bytes that need not be a request; until the connection ends."""
    def act():
      client = self.connect(name)
      client.send(data)
      client.rest()
    return act

  def begins(self, data, then, name="main"):
    """Bytes, and once the backend has them, what the client does."""
    def act():
      seen = self.backend.total_received()
      client = self.connect(name)
      client.send(data)
      wait_until(lambda: self.backend.total_received() > seen, "the backend to have it")
      then(client)
    return act

  # ---- Answers that are made here.
  def test_the_proxys_own_answers(self):
    for path, code, flags, details in (
        ("/direct", 204, "-", "direct_response"),
        ("/moved", 301, "-", "direct_response"),
        ("/nowhere", 404, "NR", "route_not_found"),
        ("/app", 200, "-", "via_upstream"),
        ("/dead", 503, "UF", BEFORE % "remote_connection_failure"),
        ("/empty", 503, "UH", "no_healthy_upstream")):
      with self.subTest(path=path):
        self.check(self.asks(path), code, flags, details, path)
        self.check(lambda: self.h2().start(path=path).response(), code, flags, details, path, "HTTP/2")

  def test_a_circuit_breaker(self):
    self.other.scripts.append(silent)
    first = self.connect()
    first.send(request("/one"))
    wait_until(lambda: self.other.wires, "the first request")
    self.check(self.asks("/one"), 503, "UO", BEFORE % "overflow", "/one")
    self.check(first.rst, 0, "DC", "downstream_remote_disconnect", "/one")

  def test_what_the_request_may_not_be(self):
    self.check(self.asks("/small", method="POST", body=b"#" * 11), 413, "-", "request_payload_too_large", "/small")
    upgrade = [("connection", "upgrade"), ("upgrade", "other")]
    self.check(self.asks("/app", upgrade), 403, "-", "upgrade_failed", "/app")

  # ---- Times.
  def test_times_of_the_proxy(self):
    self.backend.script = silent
    for path, flags, details in (("/slow", "UT", "response_timeout"), ("/idle", "SI", "stream_idle_timeout"),
                                 ("/life", "DT", "max_duration_timeout")):
      with self.subTest(path=path):
        self.check(self.asks(path), 504, flags, details, path)

  def test_times_of_the_client(self):
    half = request("/idle", method="POST")[:-2] + b"content-length: 9\r\n\r\n"
    self.check(self.says(half), 408, "SI", "stream_idle_timeout", "/idle")
    self.check(self.says(half.replace(b"/idle", b"/app"), "hurry"), 408, "-", "request_overall_timeout", "/app")
    self.check(self.says(b"GET / HTTP/1.1\r\nhost", "hurry"), 408, "-", "request_header_timeout")

  def test_a_time_that_ends_within_an_answer(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n#")
      wire.rest()
    self.backend.script = script
    for path, flags, details in (("/slow", "UT", "response_timeout"), ("/idle", "SI", "stream_idle_timeout"),
                                 ("/life", "DT", "max_duration_timeout")):
      with self.subTest(path=path):
        self.check(self.says(request(path)), 200, flags, details, path)

  # ---- The client's end.
  def test_a_client_that_goes_away(self):
    self.backend.script = silent
    # A FIN alone would be a half-close: the answer is still wanted.
    self.check(self.begins(request("/app"), Wire.rst), 0, "DC", "downstream_remote_disconnect", "/app")

  def test_a_client_that_goes_away_within_its_body(self):
    self.backend.script = silent
    data = request("/app", method="POST")[:-2] + b"content-length: 9\r\n\r\n#"
    self.check(self.begins(data, Wire.close), 0, "DC", "downstream_remote_disconnect", "/app")

  def test_a_client_that_resets_its_stream(self):
    self.backend.script = silent

    def act(end):
      seen = self.backend.total_received()
      # Without a reader: a socket that a thread reads is not closed by another one.
      connection = h2_peer.Connection(self.connect())
      self.streams.append(connection)
      stream = connection.start(path="/app")
      wait_until(lambda: self.backend.total_received() > seen, "the backend to have it")
      end(connection, stream)
    for end, flags, details in ((lambda c, s: s.reset(), "DR", "http2.remote_reset"),
                                (lambda c, s: s.reset(7), "DR", "http2.remote_refuse"),
                                (lambda c, s: c.wire.rst(), "DC", "downstream_remote_disconnect"),
                                (lambda c, s: c.write(b"\0\0\1\0\0\0\0\0\0#"), "DPE", "http2.data_on_connection")):
      with self.subTest(details=details):
        self.check(lambda e=end: act(e), 0, flags, details, "/app", "HTTP/2")

  # ---- Requests that break the protocol.
  def test_malformed_requests_of_http1(self):
    head = b"GET /app HTTP/1.1\r\nhost: a\r\n"
    for data, code, details in (
        (b"GET /app HTTP/1.1\r\n\r\n", 400, "missing_host_header"),
        (b"GET /app\r\n\r\n", 400, None),
        (b"G(T /app HTTP/1.1\r\nhost: a\r\n\r\n", 400, "http1.invalid_method"),
        (head + b"no colon\r\n\r\n", 400, None),
        (head + b"a: \x01\r\n\r\n", 400, "http1.invalid_characters"),
        (head + b"content-length: x\r\n\r\n", 400, "http1.invalid_content_length"),
        (head + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400, "http1.content_length_and_chunked_not_allowed"),
        (head + b"transfer-encoding: gzip\r\n\r\n", 501, "http1.invalid_transfer_encoding"),
        (head + b"a: %s\r\n\r\n" % (b"#" * 5000), 431, "http1.headers_too_large"),
        (head + b"".join(b"a%d: b\r\n" % n for n in range(30)) + b"\r\n", 431, "http1.too_many_headers")):
      with self.subTest(data=data[:80]):
        line = self.one("requests.json", self.says(data))
        self.assertEqual((line["code"], line["flags"], line["path"]), (code, "DPE", None), line)
        self.assertEqual(line["details"], details) if details else self.assertRegex(line["details"], r"^http1\.")

  def test_a_malformed_body_of_http1(self):
    self.backend.script = silent
    data = b"POST /app HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    self.check(self.begins(data, lambda client: client.send(b"zz\r\n").rest()), 400, "DPE", "http1.invalid_chunk_size", "/app")

  def test_malformed_requests_of_http2(self):
    def sends(*fields):
      def act():
        connection = self.h2()
        number = connection.next_number
        connection.next_number += 2
        stream = connection.streams[number] = h2_peer.Stream(connection, number)
        connection.headers(stream, fields, True)
        stream.wait(stream.over, "the end")
      return act
    start = ((":method", "GET"), (":scheme", "http"), (":path", "/app"), (":authority", "a"))
    for fields, code, details in (
        (start[:2] + start[3:], 0, "http2.missing_path"),
        (start + (("connection", "close"),), 0, "http2.connection_field"),
        (start[:3], 400, "http2.missing_authority"),
        (start + tuple(("a%d" % n, "b") for n in range(40)), 431, "http2.too_many_headers"),
        (start + (("a", "#" * 5000),), 431, "http2.headers_too_large")):
      with self.subTest(details=details):
        self.check(sends(*fields), code, "DPE", details, protocol="HTTP/2")

  # ---- The backend's end.
  def dies_after(self, data):
    def script(wire):
      wire.request()
      wire.send(data)
      wire.close()
    self.backend.script = script

  def test_a_backend_that_goes_away(self):
    self.dies_after(b"")
    self.check(self.asks("/app", method="POST", body=b"x"), 503, "UC", BEFORE % "connection_termination", "/app")
    self.check(self.asks("/app"), 503, "UC,URX", BEFORE % "connection_termination", "/app")
    self.dies_after(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n#")
    self.check(self.says(request("/app")), 200, "UC", AFTER % "connection_termination", "/app")

  def test_a_backend_that_breaks_the_protocol(self):
    self.dies_after(b"HTTP/1.1 two hundred\r\n\r\n")
    self.check(self.asks("/app"), 502, "UPE", BEFORE % "protocol_error", "/app")
    self.dies_after(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
    self.check(self.says(request("/app")), 200, "UPE", AFTER % "protocol_error", "/app")

  def test_a_backend_that_resets_its_stream(self):
    handlers = []
    # Connections are kept from one case to the next.
    self.other.script = lambda wire: h2_peer.Connection(wire, lambda stream: handlers[-1](stream)).run()
    serves = handlers.append

    def after_head(stream, code):
      stream.respond(200, end=False)
      stream.reset(code)
    for code, reason in ((2, "remote_reset"), (8, "remote_reset"), (11, "remote_reset")):
      with self.subTest(code=code):
        serves(lambda stream, code=code: stream.reset(code))
        self.check(self.asks("/h2", method="POST", body=b"x"), 503, "UR", BEFORE % reason, "/h2")
    serves(lambda stream: after_head(stream, 2))
    self.check(self.says(request("/h2", method="POST", body=b"x")), 200, "UR", AFTER % "remote_reset", "/h2")
    serves(lambda stream: stream.reset(7))
    self.check(self.asks("/h2"), 503, "UR,URX", BEFORE % "remote_refused_stream_reset", "/h2")

  # ---- Filters.
  def test_answers_of_filters(self):
    self.check(self.asks("/x", name="limited"), 200, "-", "via_upstream", "/x")
    self.authz.answer = lambda seen: ok(b"", (), "403 Forbidden")
    post = {"method": "POST", "body": b"#" * 11}
    for name, code, flags, details, keys in (
        ("limited", 429, "RL", "local_rate_limited", {}),
        ("asked", 403, "UAEX", "ext_authz_denied", {}),
        ("broken", 418, "FI", "fault_filter_abort", {}),
        ("late", 200, "DI", "via_upstream", {}),
        ("ruled", 403, "-", "rbac_access_denied_matched_policy[the-rule]", {}),
        ("passed", 401, "-", "no_credential_for_basic_auth", {}),
        ("buffered", 413, "-", "request_payload_too_large", post)):
      with self.subTest(filter=name):
        self.check(self.asks("/x", name=name, **keys), code, flags, details, "/x")

  def test_a_filter_whose_service_fails(self):
    self.authz.script = lambda wire: wire.close()
    self.check(self.asks("/x", name="asked"), 403, "UAEX", "ext_authz_error", "/x")


class Connections(Lines):
  """The TCP proxy's lines: the same loggers, in formats of one's own."""

  @classmethod
  def make_config(cls):
    nobody, dead = closed_port()
    cls.addClassCleanup(nobody.close)
    line = {"flags": "%RESPONSE_FLAGS%", "cluster": "%UPSTREAM_CLUSTER%", "host": "%UPSTREAM_HOST%", "in": "%BYTES_RECEIVED%",
            "out": "%BYTES_SENT%", "code": "%RESPONSE_CODE%", "took": "%DURATION%", "why": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
            "local": "%UPSTREAM_LOCAL_ADDRESS%", "client": "%DOWNSTREAM_REMOTE_ADDRESS%", "method": "%REQ(:METHOD)%",
            "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%", "protocol": "%PROTOCOL%"}

    def tcp(name, to, **keys):
      proxy = dict({"stat_prefix": name, "cluster": to, "access_log": log("connections.json", **line)}, **keys)
      return {"name": name, "address": "127.0.0.1:0",
              "filter_chains": [{"filters": [{"name": "tcp_proxy", "typed_config": proxy}]}]}
    return config([tcp("main", "app"), tcp("dead", "dead", max_connect_attempts=2), tcp("empty", "empty"), tcp("one", "one"),
                   tcp("idle", "app", idle_timeout=SHORT)],
                  [cluster("app", cls.backend.address), cluster("dead", dead), cluster("empty", "nobody.test:80", type="STRICT_DNS", dns_resolvers=[silence()]),
                   cluster("one", cls.backend.address, circuit_breakers={"thresholds": [{"max_connections": 1}]})])

  def check(self, act, **wanted):
    line = self.one("connections.json", act)
    self.assertEqual({key: line[key] for key in wanted}, wanted)
    return line

  def ends(self, name):
    return lambda: self.connect(name).rest()

  def test_a_connection_that_is_in_order(self):
    def act():
      client = self.connect()
      client.send(request("/a"))
      client.response()
      self.port = client.sock.getsockname()[1]
      client.half_close().rest()
    answer = ok(b"/a")
    line = self.check(act, flags="-", cluster="app", host=self.backend.address, out=len(answer), code=0, why=None, method=None,
                      attempts=1, protocol=None, **{"in": len(request("/a"))})
    self.assertEqual(line["client"], "127.0.0.1:%d" % self.port)
    self.assertRegex(line["local"], r"^127\.0\.0\.1:[1-9][0-9]*$")
    self.assertIsInstance(line["took"], int)

  def test_no_endpoint_is_there(self):
    self.check(self.ends("empty"), flags="UH", cluster="empty", host=None, attempts=0)

  def test_no_endpoint_is_reached(self):
    self.check(self.ends("dead"), flags="UF,URX", attempts=2, why="connection refused", local=None)

  def test_too_many_connections(self):
    first = self.connect("one")
    wait_until(lambda: self.backend.wires, "the backend's connection")
    self.check(self.ends("one"), flags="UO", host=None)
    self.check(lambda: first.half_close().rest(), flags="-")

  def test_nothing_is_said(self):
    self.check(self.ends("idle"), flags="SI")

  def test_either_side_resets(self):
    self.backend.script = lambda wire: wire.request() and wire.rst()
    self.check(lambda: self.connect().send(request()).rest(), flags="UC")
    self.backend.script = silent
    client = self.connect()
    client.send(request())
    wait_until(lambda: self.backend.wires and self.backend.wires[-1].received, "the request")
    self.check(client.rst, flags="DC")


if __name__ == "__main__":
  harness.main()
