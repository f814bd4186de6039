"""curl as the client: a program that everybody has, with its own ideas of what a proxy sends."""

import gzip
import os
import shutil
import signal
import socket
import subprocess
import tempfile

import harness
from harness import Backend, WeirTest, chunks, config, cluster, listener, ok, wait_until

CURL = shutil.which("curl")
# Nothing of the machine's own: no proxy, no .curlrc.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
MIB = 1 << 20


def require_curl():
  if CURL is None:
    if os.environ.get("CI") == "true":
      raise harness.HarnessError("curl is not there")
    raise harness.unittest.SkipTest("curl is not there")


def run_curl(*arguments, data=None):
  return subprocess.run([CURL, "-q", "-sS", "--max-time", str(int(harness.DEADLINE)), *arguments], env=ENVIRONMENT,
                        input=data or b"", capture_output=True, timeout=2 * harness.DEADLINE, check=False)


class CurlTest(WeirTest):

  @classmethod
  def setUpClass(cls):
    require_curl()
    super().setUpClass()

  def curl(self, path="/", *options, name="main", code=0, data=None):
    """What curl wrote to its standard output and, with -v, to its standard error."""
    return self.curl_url("http://%s%s" % (self.weir.addresses[name], path), *options, code=code, data=data)

  def curl_url(self, url, *options, code=0, data=None):
    done = run_curl(*options, url, data=data)
    self.assertEqual(done.returncode, code, done.stderr.decode("latin-1"))
    return done.stdout, done.stderr.decode("latin-1")

  def file(self, data):
    """A file with these bytes, gone with the test."""
    with tempfile.NamedTemporaryFile(prefix="weir-curl-", delete=False) as file:
      file.write(data)
    self.addCleanup(os.unlink, file.name)
    return file.name

  def echo(self):
    """A backend that answers with the body it got."""
    self.backend.answer = lambda seen: ok(seen.body)


class Requests(CurlTest):

  def test_get(self):
    body, log = self.curl("/a%20b?c=d", "-v")
    self.assertEqual(body, b"/a%20b?c=d")
    self.assertIn("< HTTP/1.1 200 OK", log)
    self.assertIn("left intact", log)
    self.assertTrue(self.backend.requests[0].get("user-agent").startswith("curl/"))

  def test_head_has_the_announced_length_and_no_body(self):
    self.backend.answer = lambda seen: ok(b"x" * 1234)
    body, _ = self.curl("/", "-I")
    self.assertIn(b"content-length: 1234\r\n", body.lower())
    self.assertTrue(body.endswith(b"\r\n\r\n"))
    self.assertEqual(self.backend.requests[0].method, "HEAD")

  def test_post_of_a_file(self):
    self.echo()
    data = os.urandom(300000)
    body, _ = self.curl("/", "--data-binary", "@" + self.file(data))
    self.assertTrue(body == data)
    self.assertEqual((self.backend.requests[0].method, self.backend.requests[0].get("content-length")), ("POST", "300000"))

  def test_post_of_a_form(self):
    self.backend.answer = lambda seen: ok(seen.get("content-type").encode("latin-1") + b"\n" + seen.body)
    data = os.urandom(100000)
    body, _ = self.curl("/", "-F", "one=1", "-F", "file=@" + self.file(data))
    self.assertTrue(body.startswith(b"multipart/form-data; boundary="))
    self.assertIn(data, body)

  def test_upload_of_unknown_length_is_chunked(self):
    self.echo()
    data = os.urandom(500000)
    body, _ = self.curl("/", "-T", "-", data=data)
    self.assertTrue(body == data)
    seen = self.backend.requests[0]
    self.assertEqual((seen.method, seen.get("transfer-encoding"), seen.get("content-length")), ("PUT", "chunked", None))

  def test_large_post_waits_for_the_backends_100(self):
    data = os.urandom(3 * MIB)

    def script(wire):
      head = wire.head()
      wire.expected, wire.early = head.get("expect"), bool(wire.buffer)
      wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
      wire.request_body(head)
      wire.send(ok(head.body))
      wire.rest()
    self.backend.scripts = [script]
    # Without the 100 curl would wait for so long.
    body, log = self.curl("/", "-v", "--expect100-timeout", "3600", "--data-binary", "@" + self.file(data))
    self.assertTrue(body == data)
    self.assertLess(log.index("< HTTP/1.1 100 Continue"), log.index("< HTTP/1.1 200 OK"))
    wire = self.backend.wires[0]
    self.assertEqual((wire.expected, wire.early), ("100-continue", False))

  def test_large_post_that_the_backend_refuses_is_not_sent(self):
    def script(wire):
      wire.head()
      wire.send(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno")
      wire.after = wire.rest()
    self.backend.scripts = [script]
    body, log = self.curl("/", "-v", "--expect100-timeout", "3600", "--data-binary", "@" + self.file(b"x" * (3 * MIB)))
    self.assertEqual(body, b"no")
    self.assertIn("< HTTP/1.1 403 Forbidden", log)
    wait_until(lambda: hasattr(self.backend.wires[0], "after"), "the end of the connection")
    self.assertEqual(self.backend.wires[0].after, b"")

  def test_offer_of_h2c_is_declined(self):
    body, log = self.curl("/h2c", "-v", "--http2")
    self.assertEqual(body, b"/h2c")
    self.assertIn("> Upgrade: h2c", log)
    self.assertIn("< HTTP/1.1 200 OK", log)
    seen = self.backend.requests[0]
    self.assertEqual([seen.get(name) for name in ("upgrade", "http2-settings", "connection")], [None, None, None])


class Responses(CurlTest):

  def test_http_1_0_gets_a_chunked_answer_as_bytes_until_the_end(self):
    self.backend.answer = lambda seen: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks(b"one ", b"two")
    body, log = self.curl("/", "-v", "--http1.0")
    self.assertEqual(body, b"one two")
    self.assertIn("> GET / HTTP/1.0", log)
    self.assertNotIn("transfer-encoding", log.lower())
    self.assertEqual(self.backend.requests[0].start_line, "GET / HTTP/1.1")

  def test_two_urls_share_a_connection(self):
    for options in ([], ["--http1.0", "-H", "connection: keep-alive"]):
      with self.subTest(options):
        before = self.weir.stat("http.main.downstream_cx_total")
        url = "http://" + self.weir.addresses["main"]
        body, _ = self.curl_url(url + "/1", *options, "-w", " %{num_connects}\n", url + "/2")
        self.assertEqual(body, b"/2 1\n/1 0\n")
        self.assertEqual(self.weir.stat("http.main.downstream_cx_total"), before + 1)

  def test_compression_passes_untouched(self):
    text = b"the same words again and again\n" * 1000
    packed = gzip.compress(text)
    self.backend.answer = lambda seen: ok(packed, [("content-encoding", "gzip"), ("vary", "accept-encoding")])
    body, _ = self.curl("/", "--compressed")
    self.assertTrue(body == text)
    self.assertIn("gzip", self.backend.requests[0].get("accept-encoding"))
    # The same bytes, too.
    body, _ = self.curl("/", "-H", "accept-encoding: gzip")
    self.assertTrue(body == packed)

  def test_chunked_answer_with_trailers(self):
    self.backend.answer = lambda seen: (b"HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n" +
                                        chunks(b"one ", b"two", trailers=[("x-sum", "7")]))
    fields = self.file(b"")
    body, _ = self.curl("/", "-H", "te: trailers", "-D", fields)
    self.assertEqual(body, b"one two")
    with open(fields, "rb") as file:
      self.assertTrue(file.read().endswith(b"\r\n\r\nx-sum: 7\r\n"))

  def test_answer_that_is_cut_off_is_an_error_to_curl(self):
    partial, reset = 18, 56
    for framing in (b"content-length: 100", b"transfer-encoding: chunked"):
      with self.subTest(framing):
        def script(wire):
          wire.request()
          wire.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n32\r\n" + b"x" * 50)
          # The head has to be through, or the answer becomes a 502.
          wait_until(lambda: self.weir.stat("cluster.app.upstream_rq_2xx") > before)
        before = self.weir.stat("cluster.app.upstream_rq_2xx")
        self.backend.scripts = [script]
        done = run_curl("http://%s/" % self.weir.addresses["main"])
        self.assertIn(done.returncode, (partial, reset), done.stderr)

  def test_hundred_downloads_at_once(self):
    data = os.urandom(200000)
    self.backend.answer = lambda seen: ok(data)
    sink = tempfile.TemporaryDirectory(prefix="weir-curl-")
    self.addCleanup(sink.cleanup)
    done = run_curl("--parallel", "--parallel-max", "50", "--fail-early", "--no-progress-meter", "--output-dir", sink.name, "-o", "#1",
                    "http://%s/[1-100]" % self.weir.addresses["main"])
    self.assertEqual((done.returncode, done.stderr), (0, b""))
    for number in range(1, 101):
      with open(os.path.join(sink.name, str(number)), "rb") as file:
        self.assertTrue(file.read() == data, number)


class Addresses(CurlTest):

  @classmethod
  def make_config(cls):
    directory = tempfile.TemporaryDirectory(prefix="weir-curl-")
    cls.addClassCleanup(directory.cleanup)
    cls.path = os.path.join(directory.name, "weir")
    return config([listener("main"), listener("six", address="[::1]:0"), listener("unix", address="unix:" + cls.path)],
                  [cluster("app", cls.backend.address)])

  def test_unix_listener(self):
    body, _ = self.curl_url("http://a.test/unix", "--unix-socket", self.path)
    self.assertEqual((body, self.backend.requests[0].get("host")), (b"/unix", "a.test"))

  def test_ipv6_listener(self):
    body, _ = self.curl("/six", "-g", name="six")
    self.assertEqual(body, b"/six")
    self.assertEqual(self.backend.requests[0].get("host"), self.weir.addresses["six"])

  def test_admin_pages(self):
    body, _ = self.curl("/ready", name="admin")
    self.assertEqual(body.strip(), b"LIVE")


class WithoutAFile(harness.unittest.TestCase):
  """`weir proxy --from ADDRESS --to ADDRESS`."""

  @classmethod
  def setUpClass(cls):
    require_curl()

  def setUp(self):
    self.directory = tempfile.TemporaryDirectory(prefix="weir-curl-")
    self.addCleanup(self.directory.cleanup)

  def backend(self, *address):
    backend = Backend(*address)
    self.addCleanup(backend.stop)
    return backend

  def start(self, origin, target):
    """The process, and the address that its listener is bound to."""
    addresses = os.path.join(self.directory.name, "addresses")
    command = [harness.BINARY, "proxy", "--from", origin, "--to", target, "--address-file", addresses, "--concurrency", "1"]
    if harness.PLUGINS:
      command += ["--plugin-path", harness.PLUGINS]
    with open(os.path.join(self.directory.name, "log"), "wb") as log:
      process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end():
      if process.poll() is None:
        process.kill()
      process.wait()
    self.addCleanup(end)

    def bound():
      self.assertIsNone(process.poll(), "the program ended")
      try:
        with open(addresses, encoding="utf-8") as file:
          text = file.read()
      except FileNotFoundError:
        return None
      return text.endswith("\n") and text.split()[-1]
    return process, wait_until(bound, "the start of the program")

  def stop(self, process):
    process.send_signal(signal.SIGTERM)
    self.assertEqual(process.wait(harness.DEADLINE), 0)

  def fetch(self, *arguments, code=0):
    done = run_curl(*arguments)
    self.assertEqual(done.returncode, code, done.stderr)
    return done.stdout

  def test_one_port_to_another(self):
    backend = self.backend()
    process, bound = self.start(":0", backend.address)
    host, _, port = bound.rpartition(":")
    self.assertEqual(host, "0.0.0.0")
    self.assertEqual(self.fetch("http://127.0.0.1:%s/a" % port), b"/a")
    self.assertEqual(self.fetch("-d", "body", "http://127.0.0.1:%s/b" % port), b"/b")
    self.assertEqual([seen.body for seen in backend.requests], [b"", b"body"])
    self.stop(process)

  def test_a_backend_by_its_name(self):
    backend = self.backend()
    process, bound = self.start("127.0.0.1:0", "localhost:" + backend.address.rpartition(":")[2])
    self.assertEqual(self.fetch("http://%s/named" % bound), b"/named")
    self.stop(process)

  def test_ipv6_to_a_unix_socket(self):
    path = os.path.join(self.directory.name, "backend")
    self.backend(socket.AF_UNIX, path)
    process, bound = self.start("[::1]:0", "unix:" + path)
    self.assertEqual(self.fetch("-g", "http://%s/u" % bound), b"/u")
    self.stop(process)

  def test_a_unix_socket_to_a_port(self):
    path = os.path.join(self.directory.name, "front")
    backend = self.backend()
    process, _ = self.start("unix:" + path, backend.address)
    self.assertEqual(self.fetch("--unix-socket", path, "http://a.test/u"), b"/u")
    self.stop(process)
    self.assertFalse(os.path.exists(path))

  def test_no_backend_is_503(self):
    held, closed = harness.closed_port()
    self.addCleanup(held.close)
    process, bound = self.start("127.0.0.1:0", closed)
    self.assertEqual(self.fetch("-o", os.devnull, "-w", "%{http_code}", "http://%s/" % bound), b"503")
    self.stop(process)


if __name__ == "__main__":
  harness.main()
