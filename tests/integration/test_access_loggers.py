"""Access loggers of plugins: text and JSON, in the user's format, over HTTP/1.1 and HTTP/2."""

import json
import os
import signal
import threading

import h2_peer
import harness
from harness import WeirTest, request, wait_until

JSON_FORMAT = {
    "code": "%RESPONSE_CODE%",
    "request": {"method": "%REQ(:METHOD)%", "path": "%REQ(:PATH)%", "agent": "%REQ(USER-AGENT)%"},
    "text": "%PROTOCOL% to %UPSTREAM_HOST% of %UPSTREAM_CLUSTER%",
    "took": "%DURATION%",
    "none": "%REQ(X-NOT-THERE)%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "sent": "%BYTES_SENT%",
}


FILES = ("default.txt", "plugin.txt", "lines.json", "text.txt", "answer.txt")


def log(name, **keys):
  return {"name": name, "typed_config": keys}


class AccessLoggers(WeirTest):
  http = {"access_log": [
      "default.txt",
      # An empty format is the default one: the plugin writes it.
      log("envoy.access_loggers.file", path="plugin.txt", format=""),
      log("file", path="lines.json", log_format={"json_format": JSON_FORMAT}),
      log("file", path="text.txt", log_format={"text_format_source": {
          "inline_string": "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS%\n"}}),
      log("file", path="answer.txt", format="%RESP(X-OF-ANSWER)% %RESP(CONTENT-TYPE)%\n"),
  ]}

  def setUp(self):
    super().setUp()
    self.connections = []
    self.at = {name: len(self.now(name)) for name in FILES}

  def now(self, name):
    path = self.weir.path(name)
    if not os.path.exists(path):
      return []
    with open(path, encoding="utf-8") as file:
      return file.read().split("\n")[:-1]

  def new(self, name, count):
    return wait_until(lambda: self.now(name)[self.at[name]:][count - 1:] and self.now(name)[self.at[name]:],
                      "%d lines in %s" % (count, name))

  def h2(self):
    self.connections.append(h2_peer.Connection(self.connect()).begin())
    return self.connections[-1]

  def tearDown(self):
    for connection in self.connections:
      connection.close()
    super().tearDown()

  def test_the_plugins_default_format_is_the_hosts(self):
    self.get("/a?b=%22", [("user-agent", "x\"y\\"), ("x-forwarded-for", "10.0.0.1")], method="POST", body=b"hello")
    self.get("/", [("x-envoy-original-path", "/spoofed")])
    client = self.connect()
    client.send(b"GET /x HTTP/1.1\r\n\r\n").response()
    self.backend.script = lambda wire: wire.request()
    self.get("/dies", method="POST", body=b"x")
    self.backend.script = None
    connection = self.h2()
    for n in range(20):
      self.assertEqual(connection.start(path="/h2/%d" % n).response().status, 200)
    self.assertEqual(self.new("plugin.txt", 24), self.new("default.txt", 24))

  def test_json_lines_keep_their_types(self):
    self.get("/h1", [("user-agent", "quote\" back\\slash")])
    self.assertEqual(self.h2().start(path="/h2").response().status, 200)
    first, second = [json.loads(line) for line in self.new("lines.json", 2)]
    self.assertEqual(list(first), list(JSON_FORMAT))
    self.assertEqual((first["code"], first["client"], first["none"]), (200, "127.0.0.1", None))
    self.assertEqual(first["request"], {"method": "GET", "path": "/h1", "agent": "quote\" back\\slash"})
    self.assertEqual(first["text"], "HTTP/1.1 to %s of app" % self.backend.address)
    self.assertIsInstance(first["took"], int)
    self.assertEqual(first["sent"], len("/h1"))
    self.assertEqual(second["request"]["path"], "/h2")
    self.assertTrue(second["text"].startswith("HTTP/2 to "), second)

  def test_bytes_that_are_no_utf8_leave_json_whole(self):
    client = self.connect()
    client.send(b"GET /x HTTP/1.1\r\nhost: a\r\nuser-agent: a\xff\xc3\xa4\xed\xa0\x80\r\n\r\n").response()
    line = json.loads(self.new("lines.json", 1)[0])
    self.assertEqual(line["request"]["agent"], "a\ufffd\u00e4\ufffd\ufffd\ufffd")

  def test_the_answers_fields_are_its_own_long_after_they_came(self):
    """No filter looks at the answer, whose body fills what the backend connection reads into many times over."""
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\nx-of-answer: kept-one\r\ncontent-type: text/one\r\ncontent-length: 1048576\r\n\r\n")
      for _ in range(16):
        step.acquire()
        wire.send(b"#" * 65536)
      self.backend.serve(wire)
    step = threading.Semaphore(0)
    self.backend.scripts.append(script)
    client = self.connect()
    client.send(request("/long"))
    self.assertEqual(client.head().status, 200)
    for _ in range(16):
      step.release()
      client.take(65536)
      # Others' bytes go through the same memory meanwhile.
      self.get("/" + "z" * 3000)
    lines = self.new("answer.txt", 17)
    self.assertIn("kept-one text/one", lines)
    self.assertEqual(len([line for line in lines if line != "- -"]), 1, lines)

  def test_every_request_has_one_line(self):
    client = self.connect()
    client.send(b"".join(request("/%d" % n) for n in range(100)))
    for _ in range(100):
      client.response()
    self.assertEqual(self.new("text.txt", 100), ["GET /%d 200 via_upstream" % n for n in range(100)])

  def test_sigusr1_opens_the_file_again(self):
    self.get("/before")
    self.new("text.txt", 1)
    os.rename(self.weir.path("text.txt"), self.weir.path("rotated.txt"))
    self.weir.signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(self.weir.path("text.txt")), "the new file")
    self.at["text.txt"] = 0
    self.get("/after")
    self.assertEqual(self.new("text.txt", 1), ["GET /after 200 via_upstream"])
    self.at["text.txt"] = 0


class Stalled(WeirTest):
  """A reader that takes nothing stalls no request: what there is no room for is counted."""

  @classmethod
  def make_config(cls):
    config = super().make_config()
    manager = config["listeners"][0]["http"]
    manager["access_log"] = [log("file", path="/dev/stderr", format="x\n"),
                             log("file", path=cls.pipe, format="%REQ(X-LONG)%%REQ(X-LONG)%%REQ(X-LONG)%\n")]
    return config

  @classmethod
  def setUpClass(cls):
    import tempfile
    cls.folder = tempfile.TemporaryDirectory()
    cls.addClassCleanup(cls.folder.cleanup)
    cls.pipe = os.path.join(cls.folder.name, "pipe")
    os.mkfifo(cls.pipe)
    cls.reader = os.open(cls.pipe, os.O_RDONLY | os.O_NONBLOCK)
    cls.addClassCleanup(os.close, cls.reader)
    super().setUpClass()

  expect_warnings = (r"^x$",)

  def test_what_nobody_reads_is_dropped_and_counted(self):
    client = self.connect()
    long = request("/", [("x-long", "a" * 4000)])
    sent = 0
    while self.weir.stat("access_log.dropped") == 0:
      client.send(long * 20)
      for _ in range(20):
        self.assertEqual(client.response().status, 200)
      sent += 20
      self.assertLess(sent, 20000)
    self.assertEqual(self.weir.stat("access_log.logged"), 2 * sent)


if __name__ == "__main__":
  harness.main()
