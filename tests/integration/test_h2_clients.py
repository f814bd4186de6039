"""HTTP/2 in cleartext with programs that nobody here wrote: curl, nghttp, h2load, node; and each mix with HTTP/1.1."""

import json
import os
import re
import shutil
import subprocess
import tempfile

import certificates
import harness
import node
from harness import WeirTest, closed_port, cluster, config, listener, request, route

# Nothing of the machine's own: no proxy, no .curlrc.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
PATTERN = b"abcdefghijklmnopqrstuvwxyz0123456789"
CLIENTS = {"h1": "--http1.1", "h2": "--http2-prior-knowledge"}
UPSTREAMS = ("/h1", "/h2")
# The client's protocol, the path of the backend's, and what the backend sees.
PAIRS = [(down, up, version) for down in ("h1", "h2") for up, version in (("/h1", "1.1"), ("/h2", "2.0"))]


def pattern(size):
  return (PATTERN * (size // len(PATTERN) + 1))[:size]


def require(program):
  if shutil.which(program) is None:
    if os.environ.get("CI") == "true":
      raise harness.HarnessError(program + " is not there")
    raise harness.unittest.SkipTest(program + " is not there")


class ClientsTest(WeirTest):
  """One listener that takes both; the paths /h1/... and /h2/... go to the backend of that protocol."""

  program = "curl"
  http = {}

  @classmethod
  def setUpClass(cls):
    node.require("ws")
    require(cls.program)
    super().setUpClass()

  @classmethod
  def make_config(cls):
    cls.server = node.Program("http2/server.js")
    cls.addClassCleanup(lambda: cls.server.end())
    ports = json.loads(cls.server.line())
    cls.dead, dead = closed_port()
    cls.addClassCleanup(cls.dead.close)
    keys = {"idle_timeout": "0.2s"}
    bounded = {"timeout": "0s", "max_stream_duration": {"grpc_timeout_header_max": "0.3s"}}
    routes = [route("h1", "/h1/grpc", prefix_rewrite="/grpc", **bounded),
              route("h2", "/h2/grpc", prefix_rewrite="/grpc", **bounded), route("h1", "/h1/", prefix_rewrite="/"), route("h2", "/h2/", prefix_rewrite="/"), route("dead", "/dead"),
              {"match": {"prefix": "/busy"}, "direct_response": {"status": 429, "body": "busy"}},
              {"match": {"prefix": "/closed"}, "direct_response": {"status": 403}}]
    directory = tempfile.mkdtemp(prefix="weir-h2-")
    cls.addClassCleanup(shutil.rmtree, directory)
    cert, key = certificates.Authority(directory).issue("site", ["IP:127.0.0.1"])
    tls = {"tls": {"certificates": [{"cert": cert, "key": key}]}}
    return config([listener("main", routes, upgrade_configs=["websocket"], **cls.http), listener("tls", routes, options=tls)],
                  [cluster("h1", "127.0.0.1:%d" % ports["h1"], protocol="h1", **keys),
                   cluster("h2", "127.0.0.1:%d" % ports["h2"], protocol="h2", **keys), cluster("dead", dead)])

  def url(self, path):
    return "http://%s%s" % (self.weir.addresses["main"], path)

  def run_program(self, *command, data=b"", code=0):
    done = subprocess.run(command, env=ENVIRONMENT, input=data, capture_output=True, timeout=3 * harness.DEADLINE,
                          check=False)
    self.assertEqual(done.returncode, code, (done.stderr + done.stdout[-2000:]).decode("latin-1"))
    return done.stdout

  def file(self, data):
    """A file with these bytes, gone with the test."""
    with tempfile.NamedTemporaryFile(prefix="weir-h2-", delete=False) as file:
      file.write(data)
    self.addCleanup(os.unlink, file.name)
    return file.name


class Curl(ClientsTest):

  def curl(self, down, path, *options, data=b""):
    return self.run_program("curl", "-q", "-sS", "--max-time", str(int(2 * harness.DEADLINE)), CLIENTS[down], *options,
                            self.url(path), data=data)


  def test_get(self):
    for down, up, version in PAIRS:
      for page in ("size", "pieces"):
        for size in (0, 1, 100000):
          out = self.curl(down, "%s/%s?n=%d" % (up, page, size), "-D", "-")
          head, _, body = out.partition(b"\r\n\r\n")
          self.assertIn(b" 200", head.split(b"\r\n")[0])
          self.assertIn(b"x-version: " + version.encode(), head.lower())
          self.assertEqual(body, pattern(size))

  def test_post(self):
    for down, up, _ in PAIRS:
      for size in (0, 1, 5000000):
        data = pattern(size)
        self.assertEqual(self.curl(down, up + "/echo", "--data-binary", "@-", data=data), data)

  def test_post_of_unknown_length(self):
    for down, up, _ in PAIRS:
      data = pattern(700000)
      self.assertEqual(self.curl(down, up + "/echo", "-T", "-", "-X", "POST", data=data), data)

  def test_head(self):
    for down, up, _ in PAIRS:
      head = self.curl(down, up + "/size?n=12345", "-I").lower()
      self.assertIn(b"content-length: 12345\r\n", head)
      self.assertTrue(head.endswith(b"\r\n\r\n"), head)

  def test_status_without_a_body(self):
    for down, up, _ in PAIRS:
      for status in (b"204", b"304"):
        out = self.curl(down, up + "/status?s=" + status.decode(), "-o", "/dev/null", "-w", "%{http_code} %{size_download}")
        self.assertEqual(out, status + b" 0")

  def test_trailers(self):
    for down, up, _ in PAIRS:
      # A client of HTTP/1.1 must say that it takes them.
      head = self.curl(down, up + "/trailers", "-H", "te: trailers", "-H", "connection: te", "--data", "hello", "-D", "-")
      self.assertIn(b"hello", head)
      self.assertIn(b"x-sum: 7\r\n", head.lower())

  def test_a_hundred_requests(self):
    for down, up, _ in PAIRS:
      # Some versions of curl cannot use a connection of HTTP/2 twice that began without a handshake.
      how, url = ("--http1.1", self.url("")) if down == "h1" else ("--http2", "https://" + self.weir.addresses["tls"])
      out = self.run_program("curl", "-q", "-sSk", how, "-Z", "--parallel-max", "100", url + up + "/size?n=[1000-1099]", "-o",
                             "/dev/null", "-w", "%{http_code} %{size_download} %{http_version}\n")
      self.assertEqual(sorted(out.decode().split("\n")[:-1]),
                       ["200 %d %s" % (n, down.replace("h1", "1.1").replace("h2", "2")) for n in range(1000, 1100)])

  def test_an_upgrade_to_h2c_is_an_ordinary_request_and_goes_no_further(self):
    for up in UPSTREAMS:
      client = self.connect()
      for _ in range(2):
        client.send(request(up + "/fields", [("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c"),
                                             ("http2-settings", "AAMAAABkAAQCAAAAAAIAAAAA")]))
        response = client.response()
        self.assertEqual((response.status, response.interim), (200, []))
        fields = json.loads(response.body)
        self.assertFalse({"upgrade", "http2-settings"} & set(fields), fields)
        self.assertNotIn("upgrade", fields.get("connection", "").lower())
    out = self.run_program("curl", "-q", "-sS", "--http2", self.url("/h1/fields"), "-w", "\n%{http_version}")
    self.assertEqual(out.split(b"\n")[-1], b"1.1")
    self.assertNotIn(b"h2c", out)


class Preface(ClientsTest):
  """The first bytes say which codec it is, however they come."""

  # SETTINGS; then GET /h1/size?n=3 of a.test on stream 1.
  SETTINGS = bytes.fromhex("000000040000000000")

  def get(self, path):
    block = b"\x82\x86" + b"\x01\x06a.test" + b"\x04" + bytes([len(path)]) + path
    return len(block).to_bytes(3, "big") + b"\x01\x05\x00\x00\x00\x01" + block

  def body(self, client):
    """The bytes of stream 1, to its end."""
    body = b""
    while True:
      head = client.take(9)
      payload = client.take(int.from_bytes(head[:3], "big"))
      kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
      self.assertNotIn(kind, (3, 7), (head, payload))
      if kind == 0 and stream == 1:
        body += payload
      if kind in (0, 1) and stream == 1 and flags & 1:
        return body

  def test_in_single_bytes_and_in_any_two_pieces(self):
    whole = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.SETTINGS + self.get(b"/h1/size?n=3")
    for cuts in [range(1, len(whole))] + [[cut] for cut in range(1, 28)]:
      client = self.connect()
      at = 0
      for cut in list(cuts) + [len(whole)]:
        client.send(whole[at:cut])
        at = cut
      self.assertEqual(self.body(client), b"abc")
      client.close()

  def test_a_request_of_http_1_on_the_same_listener(self):
    whole = request("/h2/size?n=3")
    client = self.connect()
    for at in range(len(whole)):
      client.send(whole[at:at + 1])
    self.assertEqual(client.response().body, b"abc")
    # A method that begins as the preface does.
    client = self.connect()
    client.send(request("/h2/size?n=3", method="PRIX"))
    self.assertEqual(client.response().body, b"abc")


class Nghttp(ClientsTest):
  program = "nghttp"

  def nghttp(self, *arguments):
    return self.run_program("nghttp", "-t", "60", *arguments)

  def test_get_and_post(self):
    for up in UPSTREAMS:
      self.assertEqual(self.nghttp(self.url(up + "/size?n=100000")), pattern(100000))
      data = pattern(300000)
      self.assertEqual(self.nghttp("-d", self.file(data), self.url(up + "/echo")), data)

  def test_trailers_of_the_request(self):
    for up in UPSTREAMS:
      out = self.nghttp("-nv", "--no-content-length", "--trailer", "x-mine: a", "-d", self.file(b"hello"),
                        self.url(up + "/trailers")).decode()
      self.assertIn('x-came: {"x-mine":"a"}', out)

  def test_several_urls_on_one_connection(self):
    before = self.weir.stat("http.main.downstream_cx_total")
    urls = [self.url("/h%d/size?n=%d" % (1 + i % 2, 1000 + i)) for i in range(40)]
    out = self.nghttp("-ns", *urls)
    self.assertEqual(len(re.findall(rb" 200 +(?:1K|\d+) /h", out)), 40, out.decode())
    self.assertEqual(self.weir.stat("http.main.downstream_cx_total"), before + 1)

  def test_priorities_of_the_old_kind(self):
    for options in (["--no-dep"], ["-p", "1"], ["-p", "256", "--no-dep"], ["-y"]):
      self.assertEqual(self.nghttp(*options, self.url("/h2/size?n=70000")), pattern(70000))

  def test_windows_of_every_size(self):
    for bits in (4, 8, 14, 20, 30):
      for option in ("-w", "-W"):
        size = 2000 if bits == 4 else 200000
        self.assertEqual(self.nghttp(option, str(bits), self.url("/h1/size?n=%d" % size)), pattern(size), (option, bits))

  def test_padding_and_settings(self):
    for options in (["-b", "255"], ["-c", "0"], ["-c", "0", "-c", "65536"], ["-M", "1"]):
      data = pattern(50000)
      self.assertEqual(self.nghttp(*options, "-d", self.file(data), self.url("/h2/echo")), data, options)

  def test_continuation(self):
    self.assertEqual(self.nghttp("--continuation", self.url("/h2/size?n=10")), pattern(10))

  def test_expect_continue(self):
    data = pattern(50000)
    for up in UPSTREAMS:
      # It sends nothing when the final head is there with the 100.
      self.assertEqual(self.nghttp("--expect-continue", "-d", self.file(data), self.url(up + "/whole")), data)


class H2load(ClientsTest):
  program = "h2load"

  def load(self, requests, path, *options):
    out = self.run_program("h2load", "-n", str(requests), *options, self.url(path)).decode()
    wanted = "requests: %d total, %d started, %d done, %d succeeded, 0 failed, 0 errored, 0 timeout" % ((requests,) * 4)
    self.assertIn(wanted, out)
    self.assertIn("status codes: %d 2xx, 0 3xx, 0 4xx, 0 5xx" % requests, out)

  def test_many_streams(self):
    n = 50000 if harness.SOAK else 5000
    for up in UPSTREAMS:
      self.load(n, up + "/size?n=100", "-c", "4", "-m", "100")

  def test_small_windows(self):
    for up in UPSTREAMS:
      self.load(200, up + "/size?n=20000", "-c", "2", "-m", "20", "-w", "10", "-W", "12")

  def test_bodies_both_ways(self):
    data = self.file(pattern(60000))
    for up in UPSTREAMS:
      self.load(500, up + "/echo", "-c", "4", "-m", "10", "-d", data)

  def test_clients_of_http_1(self):
    for up in UPSTREAMS:
      self.load(2000, up + "/size?n=100", "-c", "8", "--h1")


class Node(ClientsTest):
  program = "node"

  def call(self, up, scenario, argument=""):
    program = node.Program("http2/client.js", self.url(up), scenario, argument)
    self.addCleanup(program.end)
    return program.result()


  def test_trailers_both_ways(self):
    for up in UPSTREAMS:
      self.assertEqual(self.call(up, "trailers"), {"status": 200, "body": "hello", "sum": "7",
                                                   "came": {"x-mine": "a", "y-bin": "AP8="}})

  def test_early_hints(self):
    for up in UPSTREAMS:
      self.assertEqual(self.call(up, "hints"), {"interim": [[103, "</style.css>; rel=preload"]], "status": 200,
                                                "body": "hinted"})

  def test_expect_continue(self):
    for up in UPSTREAMS:
      self.assertEqual(self.call(up, "continue100"), {"seen": ["continue", 200], "body": "now"})

  def test_fields(self):
    for up in UPSTREAMS:
      got = self.call(up, "fields")
      self.assertEqual((got["cookie"], got["twice"], got["empty"]), ("a=1; b=2; c=3", "1, 2", ""))
    self.assertEqual(self.call("/h2", "fields")["te"], "trailers")

  def test_pages(self):
    for up in UPSTREAMS:
      self.assertEqual(self.call(up, "pages"), {"ok": 20, "of": 20})

  def test_small_windows(self):
    for up in UPSTREAMS:
      self.assertEqual(self.call(up, "small_windows"), {"ok": 10})

  def test_settings_that_change(self):
    for up in UPSTREAMS:
      self.assertEqual(self.call(up, "settings"), {"changed": 12, "sizes": [4000000] * 2 + [30000] * 6})

  def test_pings_are_answered(self):
    self.assertEqual(self.call("/h2", "ping"), [True] * 5)

  def test_resets_of_the_backend(self):
    for up in UPSTREAMS:
      got = self.call(up, "backend_resets")
      self.assertIn(got["before"], (502, 503))
      # What is cut must not look whole.
      self.assertEqual(got["late"][:2], [200, "half"])
      self.assertTrue(got["late"][3], got)
      self.assertEqual(got["after"], 200)

  def test_resets_of_the_client(self):
    for up in UPSTREAMS:
      got = self.call(up, "client_resets")
      self.assertEqual((got["codes"], got["aborted"]), ([8], 10))
    self.assertEqual(got["last_rst"], 8)

  def test_an_early_answer(self):
    for up in UPSTREAMS:
      got = self.call(up, "early")
      self.assertEqual((got["status"], got["body"], got["rst"], got["after"]), (413, "early", 0, 200))

  def test_no_request_is_lost_when_sessions_of_the_backend_end(self):
    self.assertEqual(self.call("/h2", "page", "/goaway?n=40"), {"status": 200, "body": "noted"})
    try:
      n = 20000 if harness.SOAK else 2000
      before = self.weir.stat("cluster.h2.upstream_cx_total")
      self.assertEqual(self.call("/h2", "load", n), {"ok": n, "other": {}})
      self.assertGreater(self.weir.stat("cluster.h2.upstream_cx_total"), before + n // 80)
    finally:
      self.call("/h2", "page", "/goaway?n=0")

  def test_answers_of_the_proxy_to_clients_of_grpc(self):
    def told(status):
      return [200, "application/grpc", status, True, None]
    self.assertEqual(self.call("/", "grpc_answers", "/nowhere,/dead,/busy,/closed"),
                     {"/nowhere": told("12"), "/dead": told("14"), "/busy": told("14"), "/closed": told("7")})

  def test_a_deadline_ends_an_answer_of_grpc_that_has_begun(self):
    for up in UPSTREAMS:
      self.assertEqual(self.call(up, "grpc_ends", "/grpc_hang"), {"http": 200, "body": "half", "status": "4", "rst": 0,
                                                                  "message": "max_duration_timeout"})

  def test_a_backend_that_fails_ends_an_answer_of_grpc_that_has_begun(self):
    for up in UPSTREAMS:
      got = self.call(up, "grpc_ends", "/grpc_cut")
      self.assertEqual((got["http"], got["body"], got["status"], got["rst"]), (200, "half", "14", 0))

  def test_websocket_over_http_2(self):
    for up in UPSTREAMS:
      self.assertEqual(self.call(up, "websocket"), {"code": 1000, "echoed": 50})
      self.assertEqual(self.call(up, "websockets"), 16)

  def test_websocket_over_http_1(self):
    for up in UPSTREAMS:
      self.assertEqual(self.call(up, "websocket_http1"), {"code": 1000, "echoed": 50})


class NodeBehindAFilter(Node):
  """The same with a filter that sees every head."""

  http = {"http_filters": [{"name": "header_mutation", "typed_config": {"mutations": {
      "response_mutations": [{"append": {"header": {"key": "x-filtered", "value": "yes"}}}]}}}, {"name": "mux"}]}

  def test_the_filter_is_there(self):
    self.assertEqual(self.get("/h2/size?n=3").get("x-filtered"), "yes")


if __name__ == "__main__":
  harness.main()
