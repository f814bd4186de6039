"""The admin listener: its pages, who may have them, and what they say of a proxy that works."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

import certificates
import harness
from harness import (WeirTest, closed_port, cluster, config, listener, main, ok, request, wait_until)

TOKEN = "a-token-of-the-tests"


class AdminTest(WeirTest):
  """Helpers, and a configuration with several kinds of listeners."""

  admin = {}
  concurrency = 2

  @classmethod
  def make_config(cls):
    made = config([listener("main", [{"match": {"prefix": "/here"}, "direct_response": {"status": 204}},
                                     {"match": {"prefix": "/"}, "route": {"cluster": "app"}}],
                            http_filters=[{"name": "health_check", "typed_config": {"path": "/hc"}}, "mux"]),
                   listener("dots.in.name", None)],
                  [cluster("app", cls.backend.address), cluster("a.b.c", "127.0.0.1:1")])
    made["admin"].update(cls.admin)
    return made

  def ask(self, path, method="GET", fields=(), host="localhost"):
    client = self.connect("admin")
    client.send(request(path, fields, host, method))
    response = client.response(method)
    client.close()
    return response

  def page(self, path, fields=()):
    response = self.ask(path, fields=fields)
    self.assertEqual(response.status, 200, (path, response, response.body))
    return response.body.decode()

  def json(self, path, fields=()):
    response = self.ask(path, fields=fields)
    self.assertEqual((response.status, response.get("content-type")), (200, "application/json"), response.body)
    return json.loads(response.body)


class TestPages(AdminTest):

  def test_ready_and_healthz_say_so(self):
    self.assertEqual(self.page("/ready"), "LIVE\n")
    self.assertEqual(self.page("/healthz"), "OK\n")

  def test_every_page_of_the_help_answers_get_and_head(self):
    paths = [line.split()[1] for line in self.page("/help").splitlines() if line.startswith("  GET ")]
    self.assertGreater(len(paths), 10)
    for path in paths:
      got = self.ask(path)
      self.assertEqual(got.status, 200, (path, got.body))
      head = self.ask(path, "HEAD")
      self.assertEqual((head.status, head.body), (200, b""), path)
      self.assertEqual(head.get("content-type"), got.get("content-type"))
      self.assertEqual(got.get("x-content-type-options"), "nosniff")
      self.assertIn("frame-ancestors 'none'", got.get("content-security-policy"))
      self.assertIn("no-store", got.get("cache-control"))

  def test_what_a_page_does_not_take_is_refused(self):
    wrong = self.ask("/stats", "POST")
    self.assertEqual((wrong.status, wrong.get("allow")), (405, "GET, HEAD"))
    self.assertEqual(self.ask("/nope").status, 404)
    self.assertEqual(self.ask("/stats?what").status, 400)

  def test_a_page_that_a_browser_was_led_to_by_a_foreign_name_is_refused(self):
    for host in ("evil.test", "evil.test:9901", "localhost.evil.test"):
      self.assertEqual(self.ask("/config_dump", host=host).status, 403, host)
    self.assertEqual(self.ask("/version", host="127.0.0.1:9901").status, 200)

  def test_version_says_who_answers(self):
    version = self.json("/version?format=json")
    self.assertEqual((version["state"], version["pid"], version["concurrency"]), ("LIVE", self.weir.process.pid, 2))
    self.assertIn(version["version"], self.page("/version"))

  def test_stats_are_the_same_in_every_form(self):
    self.get("/")
    self.weir.wait_stat("http.main.downstream_rq_active", 0)
    stats = {row["name"]: row["value"] for row in self.json("/stats?format=json&filter=^http%5C.main%5C.")["stats"]}
    self.assertEqual(stats["http.main.downstream_rq_2xx"], self.weir.stat("http.main.downstream_rq_2xx"))
    self.assertGreater(stats["http.main.downstream_rq_2xx"], 0)
    text = self.page("/stats/prometheus")
    self.assertIn('envoy_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="main"} %d\n' %
                  stats["http.main.downstream_rq_2xx"], text)

  def test_histograms_count_what_was_recorded(self):
    self.get("/")
    self.weir.wait_stat("http.main.downstream_cx_active", 0)
    rows = {row["name"]: row for row in self.json("/stats?format=json&filter=(rq_time|_ms)$")["histograms"]}
    for name in ("http.main.downstream_cx_length_ms", "cluster.app.upstream_cx_connect_ms"):
      self.assertGreaterEqual(rows[name]["count"], 1, name)
    row = rows["http.main.downstream_rq_time"]
    self.assertGreaterEqual(row["count"], 1)
    counts = [bucket["count"] for bucket in row["buckets"]]
    self.assertEqual(counts, sorted(counts))
    self.assertLessEqual(counts[-1], row["count"])

  def test_listeners_lead_to_routes(self):
    listeners = {row["name"]: row for row in self.json("/listeners?format=json")["listener_statuses"]}
    self.assertEqual(set(listeners), {"main", "dots.in.name"})
    routes = listeners["main"]["virtual_hosts"][0]["routes"]
    self.assertEqual([(route["match"], route["cluster"]) for route in routes], [("prefix /here", None), ("prefix /", "app")])
    self.assertEqual(listeners["main"]["http_filters"], ["health_check", "mux"])

  def test_listeners_tell_where_they_are_bound(self):
    port = self.connect().sock.getpeername()[1]
    (main,) = [row for row in self.json("/listeners?format=json")["listener_statuses"] if row["name"] == "main"]
    self.assertEqual(main["local_address"]["socket_address"], {"address": "127.0.0.1", "port_value": port})
    self.assertIn("main::127.0.0.1:%d\n" % port, self.page("/listeners"))

  def endpoint(self):
    rows = {row["name"]: row for row in self.json("/clusters?format=json")["cluster_statuses"]}
    return rows["app"]["host_statuses"][0]["stats"]

  def test_clusters_count_what_went_to_each_endpoint(self):
    before = self.endpoint()
    self.get("/")
    self.backend.answer = lambda seen: ok(b"", (), "503 No")
    self.get("/")
    after = self.endpoint()
    self.assertEqual({name: after[name] - before[name] for name in ("rq_total", "rq_success", "rq_error", "rq_timeout", "cx_connect_fail")},
                     {"rq_total": 2, "rq_success": 1, "rq_error": 1, "rq_timeout": 0, "cx_connect_fail": 0})
    self.assertGreaterEqual(after["cx_total"], 1)
    self.assertIn("app::%s::rq_total::%d\n" % (self.backend.address, after["rq_total"]), self.page("/clusters"))

  def test_clusters_show_what_goes_on_at_each_endpoint(self):
    held = []
    self.backend.answer = lambda req: held.append(req) or ok()
    self.backend.script = lambda wire: (held.append(wire.request()), self.release.wait(), wire.send(ok()))
    self.release = threading.Event()
    self.addCleanup(self.release.set)
    client = self.connect()
    client.send(request("/"))
    wait_until(lambda: held, "the request to get to the backend")
    rows = {row["name"]: row for row in self.json("/clusters?format=json")["cluster_statuses"]}
    (host,) = rows["app"]["host_statuses"]
    self.assertEqual("%(address)s:%(port_value)d" % host["address"]["socket_address"], self.backend.address)
    self.assertEqual(host["stats"]["rq_active"], 1)
    self.assertEqual(host["stats"]["cx_active"], 1)
    self.assertTrue(host["healthy"])
    self.assertEqual(rows["app"]["stats"]["upstream_rq_active"], 1)
    self.assertIn("app::%s::rq_active::1\n" % self.backend.address, self.page("/clusters"))
    self.release.set()
    self.assertEqual(client.response().status, 200)

  def test_plugins_are_listed(self):
    names = {row["name"] for row in self.json("/plugins?format=json")}
    self.assertIn("health_check", names)
    self.assertIn("health_check", self.page("/plugins"))

  def test_the_configuration_loads_again(self):
    dump = self.page("/config_dump")
    path = self.weir.path("dump.yaml")
    with open(path, "w", encoding="utf-8") as file:
      file.write(dump)
    command = [os.environ["WEIR_BINARY"], "validate", path, "--plugin-path", os.environ.get("WEIR_PLUGIN_PATH", "")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    self.assertEqual(run.returncode, 0, run.stderr)
    self.assertEqual(self.json("/config_dump?format=json")["static_resources"]["clusters"][0]["name"], "app")

  def test_memory_is_in_use(self):
    memory = self.json("/memory?format=json")
    self.assertGreater(memory["resident"], 1 << 20)
    if not harness.SANITIZED:  # whose memory is not malloc's
      self.assertGreater(memory["allocated"], 0)

  def test_a_client_that_goes_while_its_page_is_made_leaves_nothing(self):
    for _ in range(20):
      client = self.connect("admin")
      client.send(request("/stats", (), "localhost"))
      client.rst()
    self.assertEqual(self.ask("/ready").status, 200)

  def test_a_client_that_does_not_read_gets_its_page_when_it_does(self):
    pages = 40
    client = self.connect("admin", receive_buffer=4096)
    for _ in range(pages):
      client.send(request("/stats/prometheus", (), "localhost"))
    for _ in range(pages):
      page = client.response()
      self.assertEqual(page.status, 200)
      self.assertTrue(page.body.endswith(b"\n"))


class TestLive(AdminTest):

  def wait_for_stream(self, path):
    def look():
      rows = [row for row in self.json("/streams?format=json")["streams"] if row["path"] == path]
      return rows[0] if rows else None
    return wait_until(look, "the stream of %s" % path)

  def test_a_stream_says_that_it_waits_for_the_backend(self):
    release = threading.Event()
    self.addCleanup(release.set)
    self.backend.script = lambda wire: (wire.request(), release.wait(), wire.send(ok()))
    client = self.connect()
    client.send(request("/slow?a=b"))
    wait_until(lambda: self.wait_for_stream("/slow?a=b")["upstream"] == self.backend.address, "the backend to have it")
    row = self.wait_for_stream("/slow?a=b")
    self.assertEqual((row["method"], row["authority"], row["cluster"], row["listener"]), ("GET", "a.test", "app", "main"))
    self.assertEqual(row["waits_for"], "the backend to answer")
    host, port = client.sock.getsockname()
    self.assertEqual(row["peer"], "%s:%d" % (host, port))
    connections = self.json("/connections?format=json")["connections"]
    (mine,) = [entry for entry in connections if entry["peer"] == row["peer"]]
    self.assertEqual((mine["streams"], mine["waits_for"], mine["id"]), (1, "its streams", row["connection"]))
    release.set()
    self.assertEqual(client.response().status, 200)
    wait_until(lambda: [entry["waits_for"] for entry in self.json("/connections?format=json")["connections"]
                        if entry["peer"] == row["peer"]] == ["a request"], "the connection to be idle")

  def test_a_stream_says_that_it_waits_for_its_client(self):
    client = self.connect()
    client.send(b"POST /upload HTTP/1.1\r\nhost: a.test\r\ncontent-length: 10\r\n\r\nhalf")
    wait_until(lambda: self.wait_for_stream("/upload")["waits_for"] == "the rest of the request from the client",
               lambda: "it waits for %r" % self.wait_for_stream("/upload")["waits_for"])
    client.send(b"-other")
    self.assertEqual(client.response().status, 200)

  def test_what_a_client_writes_steers_nothing(self):
    client = self.connect()
    client.send(b"POST /%1b[2J\"<script> HTTP/1.1\r\nhost: a.test\r\ncontent-length: 10\r\n\r\nhalf")
    wait_until(lambda: b"script" in self.ask("/streams").body or client.has_input(), "the stream")
    self.assertNotIn(b"\x1b", self.ask("/streams").body)
    self.json("/streams?format=json")

  def test_many_are_cut_at_the_limit(self):
    clients = [self.connect() for _ in range(8)]
    for client in clients:
      client.send(request("/here"))
      self.assertEqual(client.response().status, 204)
    self.assertEqual(len(self.json("/connections?format=json&limit=5")["connections"]), 5)
    self.assertGreaterEqual(len(self.json("/connections?format=json")["connections"]), 8)
    self.assertEqual(self.ask("/connections?limit=1001").status, 400)


class TestPromtool(AdminTest):

  def test_prometheus_takes_every_line(self):
    """Names are Envoy's, which differ from what promtool advises; what it refuses to read is another matter."""
    tool = shutil.which("promtool")
    if tool is None and os.environ.get("CI") != "true":
      self.skipTest("no promtool")
    self.assertIsNotNone(tool, "promtool of Debian's package prometheus is needed")
    self.get("/")
    self.get("/here")
    for path in ("/stats/prometheus", "/stats?format=prometheus&usedonly"):
      text = self.page(path)
      run = subprocess.run([tool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
      self.assertIn(run.returncode, (0, 3), run.stderr)  # 1: it cannot be read, 3: advice
      advice = [line for line in (run.stdout + run.stderr).splitlines() if line]
      known = ('counter metrics should have "_total" suffix', 'non-counter metrics should not have "_total" suffix',
               "metric names should not contain abbreviated units", "use base unit",
               'non-histogram and non-summary metrics should not have "_')
      self.assertEqual([line for line in advice if not any(text in line for text in known)], [])
      self.assertNotIn("no help text", run.stdout + run.stderr)
    self.assertIn('{envoy_cluster_name="a.b.c"}', self.page("/stats/prometheus"))
    self.assertIn('{envoy_listener_address="dots.in.name"}', self.page("/stats/prometheus"))


class TestToken(AdminTest):
  admin = {"token": {"inline_string": TOKEN}}

  def test_without_the_token_there_is_what_probes_ask(self):
    self.assertEqual(self.page("/ready"), "LIVE\n")
    self.assertEqual(self.page("/healthz"), "OK\n")
    for fields in ((), (("authorization", "Bearer wrong"),), (("authorization", "Basic " + TOKEN),)):
      response = self.ask("/stats", fields=fields)
      self.assertEqual(response.status, 401)
      self.assertIn("Bearer", response.get("www-authenticate"))

  def test_with_the_token_there_is_all_but_the_token(self):
    fields = (("authorization", "Bearer " + TOKEN),)
    self.assertIn("server.live: 1\n", self.page("/stats", fields))
    self.assertNotIn(TOKEN, self.page("/config_dump", fields))


class TestCerts(AdminTest):

  @classmethod
  def make_config(cls):
    made = super().make_config()
    directory = tempfile.mkdtemp(prefix="weir-it-")
    cls.addClassCleanup(shutil.rmtree, directory)
    cls.authority = certificates.Authority(directory)
    cls.files = cls.authority.issue("front", ("DNS:a.test", "IP:127.0.0.1"), days=20)
    made["listeners"].append(listener("secure", None, options={
        "tls": {"certificates": [{"cert": cls.files[0], "key": cls.files[1]}]}}))
    made["clusters"].append(cluster("safe", "127.0.0.1:1", tls={"ca": cls.authority.cert, "sni": "a.test"}))
    return made

  def test_certificates_show_for_how_long_they_are_good(self):
    rows = {row["used_by"]: row for row in self.json("/certs?format=json")["certificates"]}
    (leaf,) = rows["listener secure"]["cert_chain"]
    self.assertEqual((leaf["path"], leaf["subject"]), (self.files[0], "CN=front"))
    self.assertEqual(leaf["subject_alt_names"], ["a.test", "127.0.0.1"])
    self.assertIn(leaf["days_until_expiration"], (19, 20))
    self.assertIn(rows["cluster safe"]["ca_cert"][0]["days_until_expiration"], (29, 30))
    self.assertIn(" days left", self.page("/certs"))

  def test_no_key_is_shown(self):
    with open(self.files[1], encoding="ascii") as file:
      secret = file.read().splitlines()[1]
    for path in ("/config_dump", "/config_dump?format=json", "/certs", "/certs?format=json"):
      self.assertNotIn(secret, self.page(path))


class TestOrders(AdminTest):
  admin = {"allow_mutations": True}
  expect_warnings = (r"reload: ",)

  def test_health_checks_fail_until_they_are_told_not_to(self):
    self.assertEqual(self.get("/hc").status, 200)
    self.assertEqual(self.ask("/healthcheck/fail", "POST").status, 200)
    self.assertEqual((self.ask("/ready").status, self.ask("/ready").body), (503, b"DRAINING\n"))
    self.assertEqual(self.ask("/healthz").status, 200)
    self.assertEqual(self.get("/hc").status, 503)
    self.assertEqual(self.get("/other").status, 200)
    self.assertEqual(self.ask("/healthcheck/ok", "POST").status, 200)
    self.assertEqual(self.ask("/ready").status, 200)
    self.assertEqual(self.get("/hc").status, 200)

  def test_the_level_of_the_log_changes(self):
    self.assertEqual(self.ask("/logging", "POST").body, b"level: info\n")
    self.assertEqual(self.ask("/logging?level=off", "POST").body, b"level: off\n")
    self.assertEqual(self.ask("/logging?level=info", "POST").body, b"level: info\n")
    self.assertEqual(self.ask("/logging?level=loud", "POST").status, 400)

  def test_a_page_of_another_site_gives_no_orders(self):
    for fields in ((("origin", "http://evil.test"),), (("origin", "null"),), (("sec-fetch-site", "cross-site"),)):
      self.assertEqual(self.ask("/healthcheck/fail", "POST", fields).status, 403)
    self.assertEqual(self.ask("/healthcheck/fail").status, 405)
    self.assertEqual(self.ask("/ready").status, 200)

  def test_a_reload_says_what_came_of_it(self):
    self.assertEqual(self.ask("/reload", "POST").body, b"nothing differs\n")
    with open(self.weir.config_path, encoding="utf-8") as file:
      made = json.load(file)
    self.addCleanup(self.write, made)
    made["clusters"].append(cluster("further", "127.0.0.1:2"))
    self.write(made)
    done = self.ask("/reload", "POST")
    self.assertEqual((done.status, done.body), (200, b"cluster further: added\n"))
    self.assertIn("further::127.0.0.1:2::cx_active::0\n", self.page("/clusters"))
    self.assertIn("further", self.page("/config_dump"))
    self.write("{}}")
    wrong = self.ask("/reload", "POST")
    self.assertEqual(wrong.status, 409)
    self.assertIn(b"weir.yaml:1", wrong.body)
    self.assertIn("weir.yaml:1", self.page("/config"))
    last = self.json("/config?format=json")
    self.assertEqual((last["ok"], last["reloads"]), (False, 3))
    self.write("admin: { address: 127.0.0.1:0, token: %s, adress: 1 }\n" % TOKEN)
    wrong = self.ask("/reload", "POST")
    self.assertEqual(wrong.status, 409)
    self.assertIn(b"adress", wrong.body)
    for shown in (wrong.body.decode(), self.page("/config"), self.page("/config?format=json")):
      self.assertNotIn(TOKEN, shown)
    self.assertIn("further", self.page("/config_dump"))

  def test_a_reload_takes_a_changed_token(self):
    with open(self.weir.config_path, encoding="utf-8") as file:
      made = json.load(file)
    self.addCleanup(self.write, made)
    before = json.loads(json.dumps(made))
    made["admin"]["token"] = TOKEN
    self.write(made)
    self.assertEqual(self.ask("/reload", "POST").status, 200)
    wait_until(lambda: self.ask("/stats").status == 401, "the token to be asked for")
    fields = (("authorization", "Bearer " + TOKEN),)
    self.assertEqual(self.ask("/stats", fields=fields).status, 200)
    self.write(before)
    self.assertEqual(self.ask("/reload", "POST", fields).status, 200)
    wait_until(lambda: self.ask("/stats").status == 200, "the token not to be asked for")

  def write(self, made):
    with open(self.weir.config_path, "w", encoding="utf-8") as file:
      file.write(made if isinstance(made, str) else json.dumps(made))

  def test_a_drain_is_that_of_the_signal_and_asked_for_once(self):
    self.addCleanup(self.restart)
    client = self.connect()
    client.send(request("/"))
    self.assertEqual(client.response().status, 200)
    for _ in range(2):
      try:
        self.assertEqual(self.ask("/drain", "POST").status, 200)
      except OSError:
        break  # it has ended between the two
    self.assertEqual(self.weir.wait_exit(), 0)
    self.assertTrue(client.at_end())
    self.restart()


class TestConnectionLimit(AdminTest):
  admin = {"max_connections": 2}
  expect_warnings = ("listener admin: 2 connections are open, new ones wait",)

  def test_what_is_beyond_the_limit_waits_until_a_connection_ends(self):
    held = []
    for _ in range(2):
      held.append(self.connect("admin"))
      self.assertEqual(held[-1].send(request("/ready", host="localhost")).response().status, 200)
    waits = self.connect("admin")
    waits.send(request("/stats?filter=listener.admin", host="localhost"))
    wait_until(lambda: "new ones wait" in self.weir.log(), "the limit to be met")
    self.assertFalse(waits.has_input())
    held[0].close()
    self.assertNotIn(b"downstream_cx_overflow: 0\n", waits.response().body)


class TestReadOnly(AdminTest):

  def test_no_order_is_taken(self):
    for path in ("/drain", "/logging", "/healthcheck/fail", "/healthcheck/ok"):
      self.assertEqual(self.ask(path, "POST").status, 403, path)
    self.assertEqual(self.ask("/ready").status, 200)


class TestHealthCommand(AdminTest):
  admin = {"allow_mutations": True}

  def health(self, *arguments):
    run = subprocess.run([os.environ["WEIR_BINARY"], "health", *arguments], capture_output=True, text=True, timeout=60)
    return run.returncode, run.stdout + run.stderr

  def file(self, address):
    path = self.weir.path("asked-%s.yaml" % address.replace("/", "_"))
    made = dict(self.make_config(), admin={"address": address})
    made["clusters"][0]["endpoints"] = ["a-name-that-nobody-resolves.invalid:80"]
    with open(path, "w", encoding="utf-8") as file:
      json.dump(made, file)
    return path

  def test_says_whether_it_is_ready(self):
    url = "http://%s/ready" % self.weir.admin
    path = self.file(self.weir.admin)
    everywhere = self.file("0.0.0.0:" + self.weir.admin.rpartition(":")[2])
    self.assertEqual(self.health("--url", url), (0, self.weir.admin + ": ready\n"))
    self.assertEqual(self.health("-c", path)[0], 0)
    self.assertEqual(self.health("-c", everywhere)[0], 0)
    self.ask("/healthcheck/fail", "POST")
    code, text = self.health("-c", path)
    self.assertEqual(code, 1)
    self.assertIn("503", text)
    self.ask("/healthcheck/ok", "POST")
    self.assertEqual(self.health("--url", url)[0], 0)

  def test_what_answers_cannot_steer_the_terminal(self):
    with socket.socket() as other:
      other.bind(("127.0.0.1", 0))
      other.listen()

      def answer():
        wire, _ = other.accept()
        with wire:
          wire.recv(4096)
          wire.sendall(b"HTTP/1.1 503 \x1b]0;title\x07\x9b31m\r\n\r\n")
      thread = threading.Thread(target=answer)
      thread.start()
      code, text = self.health("--url", "http://127.0.0.1:%d/ready" % other.getsockname()[1])
      thread.join()
    self.assertEqual(code, 1)
    self.assertTrue(text.rstrip("\n").isprintable(), text)
    self.assertIn("503", text)

  def test_says_why_it_does_not_know(self):
    held, address = closed_port()
    self.addCleanup(held.close)
    for arguments, reason in ((("--url", "http://%s/ready" % address), "refused"), (("-c", self.file(address)), "refused"),
                              (("-c", "/nonexistent.yaml"), "nonexistent"), (("--url", "https://a/"), "no URL"),
                              (("--url", "http://%s/nope" % self.weir.admin), "404"),
                              (("-c", self.file("127.0.0.1:0")), "port 0")):
      code, text = self.health(*arguments)
      self.assertEqual(code, 1, text)
      self.assertIn(reason, text)


class TestMistakes(unittest.TestCase):

  def refused(self, admin):
    made = config([listener("main", [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}])], [])
    made["admin"] = admin
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
      json.dump(made, file)
      file.flush()
      run = subprocess.run([os.environ["WEIR_BINARY"], "validate", file.name], capture_output=True, text=True, timeout=60)
    return run.stderr if run.returncode else None

  def test_orders_from_everywhere_need_a_token(self):
    self.assertIn("lets whoever reaches 0.0.0.0:9901 give orders",
                  self.refused({"address": "0.0.0.0:9901", "allow_mutations": True}))
    self.assertIsNone(self.refused({"address": "0.0.0.0:9901", "allow_mutations": True, "token": TOKEN}))
    self.assertIsNone(self.refused({"address": "127.0.0.1:9901", "allow_mutations": True}))
    self.assertIsNone(self.refused({"allow_mutations": True}))
    self.assertIsNone(self.refused({"address": "0.0.0.0:9901"}))

  def test_a_token_that_is_guessed_is_none_and_is_not_printed(self):
    for token in ("short", "[not shown]", "has a blank, and is long", "", {"filename": "/nonexistent"}):
      error = self.refused({"token": token})
      self.assertIsNotNone(error, token)
    self.assertNotIn("secret", self.refused({"token": {"inline_string": "my secret"}}).split("\n")[0])


if __name__ == "__main__":
  main()
