"""Certificates, keys and authorities that change on disk are used by new handshakes, without a reload: connections that are
there go on, no request fails, and what cannot be used is said and changes nothing."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading

import certificates
import h2_peer
import harness
from certificates import client_context, server_context, wrap
from harness import WeirTest, cluster, config, listener, ok, request, route, wait_until
from peers import TlsSocket


def serial(pair):
  run = subprocess.run(["openssl", "x509", "-noout", "-serial", "-in", pair[0]], check=True, capture_output=True, timeout=60)
  return run.stdout.decode().strip().partition("=")[2].lower().lstrip("0")


def shown(sock):
  return sock.getpeercert()["serialNumber"].lower().lstrip("0")


def replace(source, target):
  """By a rename, as certbot and most tools do."""
  shutil.copy(source, target + ".new")
  os.rename(target + ".new", target)


def link(target, name):
  os.symlink(target, name + ".new")
  os.rename(name + ".new", name)


class Load:
  """Requests without a pause, on a kept HTTP/1.1 connection, a kept HTTP/2 connection, and connections of their own."""

  def __init__(self, test, name):
    self.test, self.name = test, name
    self.stopping = threading.Event()
    self.done = {"h1": 0, "h2": 0, "new": 0}
    self.errors = []
    self.threads = [threading.Thread(target=self._run, args=(kind,), daemon=True) for kind in self.done]

  def __enter__(self):
    for thread in self.threads:
      thread.start()
    self.more()
    return self

  def __exit__(self, kind, *_):
    if kind is None:
      self.more()
    self.stopping.set()
    for thread in self.threads:
      thread.join(harness.DEADLINE)
    if kind is None:
      self.test.assertEqual(self.errors, [])

  def more(self):
    """Waits until each kind has been answered once more, on the connection that it had."""
    before = dict(self.done)
    wait_until(lambda: self.errors or all(self.done[kind] > before[kind] + 1 for kind in before), "more answers")

  def _run(self, kind):
    try:
      getattr(self, "_" + kind)()
    except Exception as error:  # pylint: disable=broad-except
      self.errors.append((kind, repr(error)))

  def _answered(self, kind, status):
    if status != 200:
      raise AssertionError("status %d" % status)
    self.done[kind] += 1

  def _h1(self):
    wire = wrap(self.test.weir.connect(self.name), client_context(self.test.authority), "a.test")
    try:
      while not self.stopping.is_set():
        response = wire.send(request("/h1")).response()
        self._answered("h1", response.status)
        if response.closes():
          raise AssertionError("the connection is to end")
    finally:
      wire.close()

  def _h2(self):
    wire = self.test.weir.connect(self.name)
    wire.sock = TlsSocket(wire.sock, client_context(self.test.authority, alpn=["h2"]), "a.test")
    connection = h2_peer.Connection(wire).begin()
    try:
      while not self.stopping.is_set():
        self._answered("h2", connection.start(path="/h2").response().status)
        if connection.goaways:
          raise AssertionError("the connection is to end")
    finally:
      connection.close()

  def _new(self):
    while not self.stopping.is_set():
      wire = wrap(self.test.weir.connect(self.name), client_context(self.test.authority), "a.test")
      try:
        self._answered("new", wire.send(request("/new")).response().status)
      finally:
        wire.close()


class RotationTest(WeirTest):
  concurrency = 2
  expect_warnings = (r"what is in use stays in use",)

  @classmethod
  def setUpClass(cls):
    cls.directory = tempfile.mkdtemp(prefix="weir-rotation-")
    cls.addClassCleanup(shutil.rmtree, cls.directory, True)
    cls.authority = certificates.Authority(cls.directory)
    cls.pairs = [cls.authority.issue("site-%d" % i, ["DNS:a.test"]) for i in range(3)]
    super().setUpClass()

  @classmethod
  def file(cls, name):
    return os.path.join(cls.directory, name)

  @classmethod
  def use(cls, pair):
    for source, target in zip(pair, ("live.pem", "live.key")):
      replace(source, cls.file(target))

  @classmethod
  def mount(cls, version, pair):
    """As Kubernetes mounts a secret: files are links into ..data, and ..data is a link that is swapped."""
    os.makedirs(cls.file("mount/" + version))
    for source, name in zip(pair, ("tls.crt", "tls.key")):
      shutil.copy(source, cls.file("mount/%s/%s" % (version, name)))
    link(version, cls.file("mount/..data"))
    for name in ("tls.crt", "tls.key"):
      if not os.path.islink(cls.file("mount/" + name)):
        os.symlink("..data/" + name, cls.file("mount/" + name))

  def secure(self, name="main"):
    return wrap(self.connect(name), client_context(self.authority), "a.test")

  def assert_shown(self, pair, name="main"):
    """By every worker: which one takes a connection, its port decides."""
    for _ in range(12):
      client = self.secure(name)
      self.assertEqual(shown(client.sock), serial(pair))
      client.close()

  def count(self, what, scope="listener.main"):
    return self.weir.stat("%s.ssl.cert_reload_%s" % (scope, what))

  def wait_count(self, what, value, scope="listener.main"):
    wait_until(lambda: self.count(what, scope) >= value, lambda: "%s: %s" % (what, self.weir.log()[-3000:]))
    self.assertEqual(self.count(what, scope), value)

  def certs(self, used_by="listener main", kind="cert_chain"):
    page = self.weir.ask_admin("/certs?format=json")
    self.assertEqual(page.status, 200)
    for row in json.loads(page.body)["certificates"]:
      if row["used_by"] == used_by and row[kind]:
        return row
    raise AssertionError(page.body)

  def certs_serial(self, used_by="listener main", kind="cert_chain"):
    return self.certs(used_by, kind)[kind][0]["serial_number"].lstrip("0")


class Downstream(RotationTest):

  @classmethod
  def make_config(cls):
    cls.use(cls.pairs[0])
    if not os.path.exists(cls.file("mount")):
      cls.mount("..1", cls.pairs[0])
    tls = lambda cert, key: {"tls": {"certificates": [{"cert": cls.file(cert), "key": cls.file(key)}]}}
    return config([listener("main", options=tls("live.pem", "live.key")),
                   listener("mounted", options=tls("mount/tls.crt", "mount/tls.key"))],
                  [cluster("app", cls.backend.address)])

  def setUp(self):
    super().setUp()
    self.use(self.pairs[0])
    wait_until(lambda: self.certs_serial() == serial(self.pairs[0]) and "error" not in self.certs(), "the first pair")

  def test_a_pair_swapped_by_renames_is_used_by_new_handshakes_alone(self):
    taken, total = self.count("success"), self.weir.stat("server.reload_total")
    old = self.secure()
    with Load(self, "main"):
      self.use(self.pairs[1])
      wait_until(lambda: self.certs_serial() == serial(self.pairs[1]), "the new pair on /certs")
      self.assert_shown(self.pairs[1])
    self.assertEqual(shown(old.sock), serial(self.pairs[0]))
    self.assertEqual(old.send(request("/old")).response().body, b"/old")
    self.assertEqual(self.count("success"), taken + 1)
    self.assertEqual(self.weir.stat("server.reload_total"), total, "that was no reload")
    self.assertIn("listener main: new handshakes use what", self.weir.log())
    self.assertIn(self.certs()["cert_chain"][0]["days_until_expiration"], (29, 30))

  def test_a_mounted_secret_that_is_swapped_is_used(self):
    with Load(self, "mounted"):
      for number, pair in ((2, self.pairs[1]), (3, self.pairs[2])):
        self.mount("..%d" % number, pair)
        self.wait_count("success", number - 1, "listener.mounted")
        self.assertEqual(self.certs_serial("listener mounted"), serial(pair))
        self.assert_shown(pair, "mounted")
    self.assertEqual(self.count("failure", "listener.mounted"), 0, "a swap of the link swaps both")

  def test_a_key_that_comes_late_ends_with_the_new_pair(self):
    failed = self.count("failure")
    with Load(self, "main") as load:
      replace(self.pairs[1][0], self.file("live.pem"))
      self.wait_count("failure", failed + 1)
      row = self.certs()
      self.assertIn("not the key of the certificate", row["error"])
      self.assertIn("live.key", row["error"])
      self.assertEqual(row["cert_chain"][0]["serial_number"].lstrip("0"), serial(self.pairs[0]), "what is used")
      self.assert_shown(self.pairs[0])
      load.more()
      replace(self.pairs[1][1], self.file("live.key"))
      wait_until(lambda: self.certs_serial() == serial(self.pairs[1]), "the new pair")
      self.assert_shown(self.pairs[1])
    self.assertNotIn("error", self.certs())
    self.assertEqual(self.count("failure"), failed + 1)

  def test_a_broken_file_changes_nothing_and_is_said_once(self):
    failed = self.count("failure")
    with open(self.pairs[1][0], encoding="ascii") as file:
      half = file.read()[:300]
    with Load(self, "main"):
      with open(self.file("live.pem"), "w", encoding="ascii") as file:
        file.write(half)
      wait_until(lambda: "error" in self.certs(), "the error")
      self.assert_shown(self.pairs[0])
      self.assertIn("cannot be used", self.weir.ask_admin("/certs").body.decode())
      os.unlink(self.file("live.pem"))
      wait_until(lambda: "there is no such file" in self.certs().get("error", ""), "the file to be missed")
      self.assert_shown(self.pairs[0])
      self.use(self.pairs[2])
      wait_until(lambda: self.certs_serial() == serial(self.pairs[2]), "the new pair")
      self.assert_shown(self.pairs[2])
    self.assertGreaterEqual(self.count("failure"), failed + 2)
    with open(self.pairs[0][1], encoding="ascii") as file:
      secret = file.read().splitlines()[1]
    self.assertNotIn(secret, self.weir.log())

  def test_sessions_of_a_certificate_that_is_gone_are_not_resumed(self):
    context = client_context(self.authority)
    first = wrap(self.connect(), context, "a.test")
    first.send(request("/")).response()
    again = wrap(self.connect(), context, "a.test", first.sock.session)
    again.send(request("/")).response()
    self.assertTrue(again.sock.session_reused)
    self.use(self.pairs[1])
    wait_until(lambda: self.certs_serial() == serial(self.pairs[1]), "the new pair")
    changed = wrap(self.connect(), context, "a.test", again.sock.session)
    changed.send(request("/")).response()
    self.assertFalse(changed.sock.session_reused)
    self.assertEqual(shown(changed.sock), serial(self.pairs[1]))
    after = wrap(self.connect(), context, "a.test", changed.sock.session)
    self.assertTrue(after.sock.session_reused)

  def test_reloads_and_changes_go_together(self):
    generation = self.weir.stat("server.reload_generation")
    made = json.loads(json.dumps(self.make_config()))  # and the first pair is there again
    old = self.secure()
    # What a reload finds changed of certificates it takes, and nobody's connection ends of it.
    self.use(self.pairs[1])
    self.weir.signal(signal.SIGHUP)
    wait_until(lambda: self.certs_serial() == serial(self.pairs[1]), "the new pair")
    self.assert_shown(self.pairs[1])
    response = old.send(request("/a")).response()
    self.assertEqual((response.body, response.closes()), (b"/a", False))
    self.assertEqual(self.weir.stat("server.reload_generation"), generation)
    # A listener that is replaced follows the same files, and only once.
    made["listeners"][0]["http"]["server_name"] = "reloaded"
    made["clusters"].append(cluster("more", self.backend.address))
    with open(self.weir.config_path, "w", encoding="utf-8") as file:
      file.write(json.dumps(made))
    self.weir.signal(signal.SIGHUP)
    self.weir.wait_stat("server.reload_generation", generation + 1)
    client = self.secure()
    self.assertEqual(client.send(request("/b")).response().get("server"), "reloaded")
    taken = self.count("success")
    self.use(self.pairs[2])
    wait_until(lambda: self.certs_serial() == serial(self.pairs[2]), "the new pair")
    self.assert_shown(self.pairs[2])
    response = client.send(request("/c")).response()
    self.assertEqual((response.body, response.closes()), (b"/c", False))
    self.assertEqual(self.count("success"), taken + 1)
    # A pair that cannot be used refuses the whole reload, as at a start.
    refused = self.weir.stat("server.reload_failed")
    with open(self.file("live.key"), "w", encoding="ascii") as file:
      file.write("nothing")
    self.weir.expect_warnings.append(harness.re.compile("reload: |live.key|weir.yaml"))
    self.weir.signal(signal.SIGHUP)
    self.weir.wait_stat("server.reload_failed", refused + 1)
    self.assert_shown(self.pairs[2])


class ManyChanges(RotationTest):
  concurrency = 1

  @classmethod
  def make_config(cls):
    cls.use(cls.pairs[0])
    tls = {"certificates": [{"cert": cls.file("live.pem"), "key": cls.file("live.key")}]}
    made = config([listener("main", options={"tls": tls})], [cluster("app", cls.backend.address)])
    made["admin"]["allow_mutations"] = True
    return made

  def change(self, number):
    self.use(self.pairs[number % 2])
    self.assertEqual(self.weir.ask_admin("/reload", "POST").status, 200)
    client = self.secure()
    self.assertEqual(shown(client.sock), self.serials[number % 2])
    client.close()

  def test_changes_take_no_memory(self):
    changes = 1000 if harness.SOAK else 60 if harness.SANITIZED else 300
    self.serials = [serial(pair) for pair in self.pairs]
    kept = self.secure()
    for number in range(100):
      self.change(number + 1)
    before = self.weir.rss()
    for number in range(100, 100 + changes):
      self.change(number + 1)
    self.assertEqual(kept.send(request("/kept")).response().body, b"/kept")
    # A set of contexts has some hundred kilobytes: one that stayed in each round would be far more.
    if not harness.SANITIZED:
      self.assertLess(self.weir.rss() - before, 6 << 20)


class Upstream(RotationTest):
  concurrency = 1  # one pool

  @classmethod
  def setUpClass(cls):
    directory = tempfile.mkdtemp(prefix="weir-rotation-")
    cls.addClassCleanup(shutil.rmtree, directory, True)
    cls.other = certificates.Authority(directory, "other")
    super().setUpClass()

  @classmethod
  def make_config(cls):
    cls.before = cls.authority.issue("backend", ["DNS:a.test"])
    cls.after = cls.other.issue("backend", ["DNS:a.test"])
    cls.mine = [cls.authority.issue("client-%d" % i) for i in range(2)]
    cls.use(cls.mine[0])
    replace(cls.authority.cert, cls.file("backends.pem"))
    return config([listener("main", [route("app")])],
                  [cluster("app", cls.backend.address,
                           tls={"sni": "a.test", "ca": cls.file("backends.pem"), "cert": cls.file("live.pem"),
                                "key": cls.file("live.key")})])

  def setUp(self):
    super().setUp()
    self.use(self.mine[0])
    replace(self.authority.cert, self.file("backends.pem"))
    wait_until(lambda: self.certs_serial("cluster app") == serial(self.mine[0]), "the first pair")
    wait_until(lambda: self.trusted() == "CN=root", "the first authority")

  def trusted(self):
    return self.certs("cluster app", "ca_cert")["ca_cert"][0]["subject"]

  def serve_with(self, pair):
    context = server_context(pair, self.authority)

    def script(wire):
      wrap(wire, context)
      wire.client_serial = shown(wire.sock)
      self.backend.serve(wire)
    self.backend.script = script

  def test_new_connections_use_what_is_new_and_pooled_ones_stay(self):
    self.serve_with(self.before)
    client = self.connect()
    self.assertEqual(client.send(request("/1")).response().body, b"/1")
    first = self.backend.wires[0]
    renewed = self.mine[1]
    self.use(renewed)
    replace(self.other.cert, self.file("backends.pem"))
    wait_until(lambda: self.certs_serial("cluster app") == serial(renewed) and self.trusted() == "CN=other", "both")
    self.serve_with(self.after)
    # The connection that is there is used as before.
    self.assertEqual(client.send(request("/2")).response().body, b"/2")
    self.assertEqual(len(self.backend.wires), 1)
    # While it is busy there must be another one: it knows the backend by the new authority.
    release = threading.Event()

    def answer(wanted):
      if wanted.target == "/slow":
        release.wait(harness.DEADLINE)
      return ok(wanted.target.encode())
    self.backend.answer = answer
    client.send(request("/slow"))
    wait_until(lambda: self.backend.requests[-1].target == "/slow", "the slow request")
    second = self.connect()
    self.assertEqual(second.send(request("/3")).response().body, b"/3")
    release.set()
    self.assertEqual(client.response().body, b"/slow")
    self.assertEqual(len(self.backend.wires), 2)
    self.assertEqual(self.backend.wires[1].client_serial, serial(renewed))
    self.assertNotEqual(first.client_serial, serial(renewed))
    self.assertEqual(self.weir.stat("cluster.app.upstream_rq_5xx"), 0)

  def test_a_backend_of_an_authority_that_is_gone_is_refused(self):
    self.serve_with(self.before)
    self.assertEqual(self.get("/good").body, b"/good")
    replace(self.other.cert, self.file("backends.pem"))
    wait_until(lambda: self.trusted() == "CN=other", "the other authority")
    self.backend.reset()  # its connections end
    self.serve_with(self.before)
    wait_until(lambda: self.get("/bad").status == 503, "the refusal")
    self.assertGreater(self.weir.stat("cluster.app.ssl.fail_verify_error"), 0)


if __name__ == "__main__":
  harness.main()
