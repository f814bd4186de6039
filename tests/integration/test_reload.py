"""Reloading: only what differs changes, nobody is sent away, mistakes change nothing, and it can go on for ever."""

import copy
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import certificates
import h2_peer
import harness
import load
import plugin_build
from harness import WeirTest, cluster, config, listener, ok, request, route, wait_until

RELOADS = 100 if harness.SANITIZED else 1000


class ReloadTest(WeirTest):
  """Each test has its own process, with two workers and a second backend."""

  concurrency = 2

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.other = harness.Backend()
    cls.backends.append(cls.other)

  def setUp(self):
    super().setUp()
    type(self).restart()
    self.config = copy.deepcopy(self.make_config())
    self.other.answer = lambda request: ok(b"other")

  def tearDown(self):
    super().tearDown()
    self.weir.stop()

  @classmethod
  def tearDownClass(cls):
    cls.weir.kill()

  def write(self, text):
    with open(self.weir.config_path + ".new", "w", encoding="utf-8") as file:
      file.write(text if isinstance(text, str) else harness.json.dumps(text, indent=1))
    os.rename(self.weir.config_path + ".new", self.weir.config_path)

  def reload(self, text=None, good=True, changes=True):
    """Reloads what is in self.config, or the text, and waits until all workers have it."""
    before = self.weir.stats()
    self.write(self.config if text is None else text)
    self.weir.signal(signal.SIGHUP)
    generation = before["server.reload_generation"] + (1 if good and changes else 0)
    failed = before["server.reload_failed"] + (0 if good else 1)

    def done():
      stats = self.weir.stats()
      return (stats["server.reload_total"] == before["server.reload_total"] + 1 and
              stats["server.reload_generation"] == generation and stats["server.reload_failed"] == failed)
    wait_until(done, lambda: "the reload: " + self.weir.log()[-3000:])
    self.weir._read_addresses(self.weir.path("addresses"))  # pylint: disable=protected-access

  def manager(self, at=0):
    return self.config["listeners"][at]["http"]


class Changes(ReloadTest):
  expect_warnings = ["1 connections are open, new ones wait"]

  def test_what_has_not_changed_is_not_touched(self):
    client = self.connect()
    client.send(request("/a"))
    self.assertEqual(client.response().body, b"/a")
    self.reload("# another text, the same configuration\n" + harness.json.dumps(self.config), changes=False)
    self.config["listeners"].append(listener("second"))
    self.config["clusters"].append(cluster("second", self.other.address))
    self.reload()
    client.send(request("/b"))
    response = client.response()
    self.assertEqual((response.body, response.closes()), (b"/b", False))
    self.assertEqual(len(self.backend.wires), 1, "the pool keeps its connection")
    self.assertIn("reload: listener second: added", self.weir.log())
    self.assertNotIn("reload: listener main", self.weir.log())
    self.assertNotIn("reload: cluster app", self.weir.log())

  def test_a_changed_route_holds_for_new_connections_and_old_ones_end_politely(self):
    self.config["clusters"].append(cluster("second", self.other.address))
    old = self.connect()
    old.send(request("/old"))
    self.assertEqual(old.response().body, b"/old")
    self.manager()["routes"] = [route("second")]
    self.reload()
    self.assertEqual(self.get("/new").body, b"other")
    old.send(request("/still"))
    response = old.response()
    self.assertEqual((response.body, response.closes()), (b"/still", True))
    self.assertTrue(old.at_end())

  def test_a_running_request_ends_as_it_began(self):
    go = threading.Event()

    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n" + b"x" * 100000)
      go.wait(harness.DEADLINE)
      wire.send(b"y" * 100000)
    self.backend.script = script
    client = self.connect()
    client.send(request())
    head = client.head()
    self.config["clusters"][0]["endpoints"] = [self.other.address]
    self.manager()["server_name"] = "another"
    self.reload()
    self.assertEqual(self.get().body, b"other")
    go.set()
    self.assertEqual(head.get("content-length"), "200000")
    self.assertEqual(client.take(200000), b"x" * 100000 + b"y" * 100000)

  def test_a_changed_cluster_is_asked_from_old_connections_too(self):
    client = self.connect()
    client.send(request("/a"))
    self.assertEqual(client.response().body, b"/a")
    self.config["clusters"][0]["endpoints"] = [self.other.address]
    self.reload()
    client.send(request("/b"))
    response = client.response()
    self.assertEqual((response.body, response.closes()), (b"other", False))
    wait_until(lambda: all(getattr(wire, "done", False) for wire in self.backend.wires), "the old pool's connections to go")

  def test_an_old_connection_still_finds_a_cluster_that_is_gone(self):
    client = self.connect()
    client.send(request("/a"))
    self.assertEqual(client.response().body, b"/a")
    self.config["clusters"] = [cluster("second", self.other.address)]
    self.manager()["routes"] = [route("second")]
    self.reload()
    self.assertEqual(self.get("/new").body, b"other")
    client.send(request("/b"))
    response = client.response()
    self.assertEqual((response.status, response.body), (200, b"/b"))
    self.weir.wait_stat("cluster.app.membership_total", 0)

  def test_a_removed_listener_takes_nobody_any_more_and_its_address_is_free(self):
    self.config["listeners"].append(listener("second"))
    self.reload()
    client = self.connect("second")
    client.send(request("/a"))
    self.assertEqual(client.response().body, b"/a")
    host, port = self.weir.addresses["second"].split(":")
    del self.config["listeners"][1]
    self.reload()
    with harness.socket.socket() as sock:
      self.assertNotEqual(sock.connect_ex((host, int(port))), 0)
    client.send(request("/b"))
    response = client.response()
    self.assertEqual((response.body, response.closes()), (b"/b", True))
    self.config["listeners"].append(listener("third", address="%s:%s" % (host, port)))
    self.reload()
    self.assertEqual(self.get("/c", name="third").body, b"/c")

  def test_the_socket_file_of_a_removed_listener_goes(self):
    path = self.weir.path("sock")
    self.config["listeners"].append(listener("second", address="unix:" + path))
    self.reload()
    self.assertEqual(self.get("/a", name="second").body, b"/a")
    self.manager(1)["server_name"] = "x"
    self.reload()
    self.assertEqual(self.get("/b", name="second").get("server"), "x")
    del self.config["listeners"][1]
    self.reload()
    self.assertFalse(os.path.exists(path))

  def test_a_tunnel_goes_on(self):
    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")
      while wire.fill():
        wire.send(wire.buffer)
        wire.buffer = b""
    self.manager()["upgrade_configs"] = [{"upgrade_type": "x"}]
    self.reload()
    self.backend.script = script
    client = self.connect()
    client.send(request(fields=[("connection", "upgrade"), ("upgrade", "x")]))
    self.assertEqual(client.head().status, 101)
    self.manager()["server_name"] = "x"
    self.config["clusters"][0]["endpoints"] = [self.other.address]
    self.reload()
    for _ in range(3):
      self.assertEqual(client.send(b"echo").take(4), b"echo")

  def test_limits_change_in_place(self):
    self.config["listeners"][0]["connection_limit"] = 1
    self.reload()
    first = self.connect()
    first.send(request())
    self.assertEqual(first.response().status, 200)
    second = self.connect()
    second.send(request("/second"))
    self.weir.wait_stat("server.total_connections", 2)
    self.config["listeners"][0]["connection_limit"] = 2
    self.reload()
    self.assertEqual(second.response().body, b"/second")

  def test_the_admin_listener_can_move(self):
    old = self.weir.addresses["admin"]
    self.config["listeners"].append(listener("x"))
    self.reload()
    self.assertEqual(self.weir.addresses["admin"], old)


class Mistakes(ReloadTest):
  expect_warnings = ["reload: "]

  def test_a_mistake_changes_nothing_and_is_told(self):
    client = self.connect()
    client.send(request("/a"))
    self.assertEqual(client.response().body, b"/a")
    self.manager()["routes"] = [route("nowhere")]
    self.reload(good=False)
    self.assertIn("nowhere", self.weir.log())
    self.assertIn("weir.yaml:", self.weir.log())
    self.reload("listeners: [", good=False)
    os.unlink(self.weir.config_path)
    before = self.weir.stat("server.reload_failed")
    self.weir.signal(signal.SIGHUP)
    self.weir.wait_stat("server.reload_failed", before + 1)
    client.send(request("/b"))
    response = client.response()
    self.assertEqual((response.body, response.closes()), (b"/b", False))
    self.assertEqual(len(self.backend.wires), 1)
    self.config = copy.deepcopy(self.make_config())
    self.manager()["server_name"] = "mended"
    self.reload()
    self.assertEqual(self.get().get("server"), "mended")

  def test_an_address_in_use_changes_nothing(self):
    taken = harness.socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    free, address = harness.closed_port()
    free.close()
    self.config["listeners"] = [listener("main", server_name="new"), listener("b", address=address),
                                listener("c", address="127.0.0.1:%d" % taken.getsockname()[1])]
    self.reload(good=False)
    self.assertIn("cannot bind", self.weir.log())
    self.assertNotEqual(self.get().get("server"), "new")
    with harness.socket.socket() as sock:
      self.assertNotEqual(sock.connect_ex(("127.0.0.1", int(address.split(":")[1]))), 0, "what was bound is let go")
    taken.close()
    self.reload()
    self.assertEqual(self.get("/b", name="b").body, b"/b")

  def test_sockets_of_another_kind_are_refused(self):
    self.config["listeners"][0]["enable_reuse_port"] = False
    self.reload(good=False)
    self.assertIn("cannot change without a restart", self.weir.log())
    self.assertEqual(self.get("/a").body, b"/a")


class TemporaryCertificates:
  """Two certificates, and the files that the configuration names for the one that is used."""

  @classmethod
  def begin(cls):
    if "directory" not in vars(cls):
      cls.directory = tempfile.TemporaryDirectory(prefix="weir-reload-")
      cls.addClassCleanup(cls.directory.cleanup)
      cls.authority = certificates.Authority(cls.directory.name)
      cls.first = cls.authority.issue("first", ["DNS:a.test"])
      cls.second = cls.authority.issue("second", ["DNS:a.test"])
      cls.used = (cls.authority.path("used/cert"), cls.authority.path("used/key"))
    cls.use(cls.first)

  @classmethod
  def tls(cls):
    return {"certificates": [{"cert": cls.used[0], "key": cls.used[1]}]}

  @classmethod
  def use(cls, pair):
    """Both files are replaced at once, by a link to another folder."""
    folder = tempfile.mkdtemp(dir=cls.directory.name)
    for source, name in zip(pair, ("cert", "key")):
      shutil.copy(source, os.path.join(folder, name))
    os.symlink(folder, folder + ".link")
    os.rename(folder + ".link", cls.authority.path("used"))


class Certificates(TemporaryCertificates, ReloadTest):

  @classmethod
  def make_config(cls):
    cls.begin()
    return config([listener("main", options={"tls": cls.tls()})], [cluster("app", cls.backend.address)])

  def secure(self):
    context = certificates.client_context(self.authority)
    client = self.weir.connect()
    client.sock = context.wrap_socket(client.sock, server_hostname="a.test")
    self.clients.append(client)
    return client

  def name(self, client):
    return dict(pair[0] for pair in client.sock.getpeercert()["subject"])["commonName"]

  def test_a_changed_certificate_is_shown_to_new_connections(self):
    old = self.secure()
    self.assertEqual(self.name(old), "first")
    self.use(self.second)
    self.reload(changes=False)  # but of certificates, which is no new configuration
    wait_until(lambda: self.name(self.secure()) == "second", "the second certificate")
    old.send(request("/a"))
    response = old.response()
    self.assertEqual((response.body, response.closes()), (b"/a", False))


class Watch(ReloadTest):
  options = ["--watch"]
  expect_warnings = ["--watch: .* cannot be read: "]

  def told(self, total):
    wait_until(lambda: self.weir.stat("server.reload_generation") == total, lambda: "the reload: " + self.weir.log())

  def test_a_file_that_is_replaced_or_written_is_read(self):
    self.manager()["server_name"] = "first"
    self.write(self.config)
    self.told(1)
    self.assertEqual(self.get().get("server"), "first")
    self.manager()["server_name"] = "second"
    with open(self.weir.config_path, "w", encoding="utf-8") as file:
      file.write(harness.json.dumps(self.config))
    self.told(2)
    self.assertEqual(self.get().get("server"), "second")

  def test_a_file_that_may_be_read_only_later_is_read_then(self):
    if os.geteuid() == 0:  # who may read every file would read it at once
      directory = tempfile.TemporaryDirectory(prefix="weir-reload-")
      self.addCleanup(directory.cleanup)
      whole, harness.BINARY = harness.BINARY, os.path.join(directory.name, "weir")
      self.addCleanup(setattr, harness, "BINARY", whole)
      with open(harness.BINARY, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexec setpriv --bounding-set=-dac_override,-dac_read_search %s \"$@\"\n" % whole)
      os.chmod(harness.BINARY, 0o755)
      type(self).restart()
    self.manager()["server_name"] = "later"
    new = self.weir.config_path + ".new"
    with open(new, "w", encoding="utf-8") as file:
      file.write(harness.json.dumps(self.config))
    os.chmod(new, 0)
    os.rename(new, self.weir.config_path)
    wait_until(lambda: "cannot be read: Permission denied" in self.weir.log(), self.weir.log)
    os.chmod(self.weir.config_path, 0o600)
    self.told(1)
    self.assertEqual(self.get().get("server"), "later")

  def test_a_change_in_a_busy_directory_is_seen(self):
    over = threading.Event()

    def write():
      while not over.is_set():
        with open(self.weir.path("other"), "w", encoding="ascii"):
          pass
        time.sleep(0.002)
    thread = threading.Thread(target=write)
    thread.start()
    try:
      self.manager()["server_name"] = "seen"
      self.write(self.config)
      self.told(1)
    finally:
      over.set()
      thread.join()

  def test_a_link_that_is_swapped_is_a_change(self):
    """As Kubernetes does it: the file is a link into ..data, and ..data one that is replaced."""
    def version(name, server):
      self.manager()["server_name"] = server
      os.mkdir(self.weir.path(name))
      with open(os.path.join(self.weir.path(name), "weir.yaml"), "w", encoding="utf-8") as file:
        file.write(harness.json.dumps(self.config))
      os.symlink(name, self.weir.path("..new"))
      os.rename(self.weir.path("..new"), self.weir.path("..data"))
    version("..1", "first")
    os.symlink("..data/weir.yaml", self.weir.path("link"))
    os.rename(self.weir.path("link"), self.weir.config_path)
    self.told(1)
    for number, name in ((2, "..2"), (3, "..3"), (4, "..4")):
      version(name, "turn%d" % number)
      self.told(number)
      self.assertEqual(self.get().get("server"), "turn%d" % number)
      shutil.rmtree(self.weir.path("..%d" % (number - 1)))


class Plugins(ReloadTest):
  """A plugin's file is replaced by another build of it."""

  expect_warnings = ["reload: "]

  @classmethod
  def setUpClass(cls):
    plugin_build.build("examples/plugins/add_header/add_header.c")
    cls.path = os.path.join(harness.PLUGINS.split(":")[0], "add_header.so")
    super().setUpClass()

  @classmethod
  def make_config(cls):
    cls.put("one")
    return config([listener("main", http_filters=[
        {"name": "add_header", "typed_config": {"name": "x-build", "value": "unused"}}, {"name": "mux"}]), listener("plain")],
                  [cluster("app", cls.backend.address)])

  @classmethod
  def put(cls, value):
    """The same plugin, with this value built in."""
    with open(os.path.join(plugin_build.TREE, "examples/plugins/add_header/add_header.c"), encoding="utf-8") as file:
      text = file.read()
    text = text.replace("WEIR_RESPONSE, config->name, config->value)",
                        'WEIR_RESPONSE, config->name, text("%s", %d))' % (value, len(value)))
    source, made = cls.path + ".c", cls.path + ".made"
    with open(source, "w", encoding="utf-8") as file:
      file.write(text)
    subprocess.run(["cc", "-std=c11", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-I" + plugin_build.TREE, source, "-o",
                    made], check=True)
    os.rename(made, cls.path)

  def test_new_connections_get_the_new_one_and_old_ones_keep_theirs(self):
    old = self.connect()
    plain = self.connect("plain")
    for client in (old, plain):
      client.send(request())
      client.response()
    for build in ("two", "three", "four"):
      self.put(build)
      self.reload()
      self.assertEqual(self.get().get("x-build"), build)
    old.send(request())
    self.assertEqual(old.response().get("x-build"), "one")
    plain.send(request())
    self.assertFalse(plain.response().closes(), "a listener without the plugin is not touched")
    self.reload(changes=False)

  def test_a_plugin_that_cannot_be_loaded_changes_nothing(self):
    old = self.connect()
    old.send(request())
    self.assertEqual(old.response().get("x-build"), "one")
    with open(self.path + ".made", "w", encoding="ascii") as file:
      file.write("no plugin")
    os.rename(self.path + ".made", self.path)
    self.reload(good=False)
    self.assertIn("add_header.so", self.weir.log())
    old.send(request())
    response = old.response()
    self.assertEqual((response.get("x-build"), response.closes()), ("one", False))
    self.put("mended")
    self.reload()
    self.assertEqual(self.get().get("x-build"), "mended")


class Load:
  """Clients that ask without a pause, as well-behaved ones do: who is told to go comes back on another connection."""

  def __init__(self, weir, h1=2, h2=2):
    self.weir, self.stop, self.failures, self.counts = weir, threading.Event(), [], []
    self.threads = [threading.Thread(target=self.run, args=(kind, number), daemon=True)
                    for number, kind in enumerate([self.h1] * h1 + [self.h2] * h2)]
    self.counts = [0] * len(self.threads)
    for thread in self.threads:
      thread.start()

  def run(self, kind, number):
    try:
      while not self.stop.is_set():
        kind(number)
    except Exception as error:  # pylint: disable=broad-except
      self.failures.append("%s: %r" % (kind.__name__, error))

  def h1(self, number):
    client = self.weir.connect()
    try:
      while not self.stop.is_set():
        client.send(request("/load"))
        response = client.response()
        if response.status != 200:
          self.failures.append(repr(response))
        self.counts[number] += 1
        if response.closes():
          return
    finally:
      client.close()

  def h2(self, number):
    connection = h2_peer.Connection(self.weir.connect()).begin()
    try:
      while not self.stop.is_set() and not connection.goaways:
        streams = [connection.start(path="/load") for _ in range(3)]
        for stream in streams:
          response = stream.response()
          if response.status != 200:
            self.failures.append(repr(response))
          self.counts[number] += 1
    except harness.Truncated:
      # Streams that were on their way when the goodbye came have not been touched: it says so, and they may be asked
      # again. Any other was lost.
      connection.wait(lambda: connection.gone, "the end")
      last = connection.goaways[-1][0] if connection.goaways else 2**31
      if any(stream.number <= last and not stream.complete for stream in connection.streams.values()):
        raise
    finally:
      connection.close()

  def end(self):
    self.stop.set()
    for thread in self.threads:
      thread.join(harness.DEADLINE)


class CountedByOthers(ReloadTest):
  """What wrk and h2load count while listeners and clusters are replaced under them."""

  http = {"access_log": "access.txt"}

  scheme = "http"

  def change(self, turn):
    """Another configuration than that of the turn before."""
    self.manager()["server_name"] = "turn %d" % turn
    if turn % 2 == 0:
      self.config["clusters"][0]["endpoints"] = [self.other.address, self.backend.address]
    if turn % 3 == 0:
      self.config["listeners"].append(listener("extra"))

  def reload_some(self, going):
    """Reloads as long as the clients go on, at least ten times; answers are the backends' all the time."""
    self.other.answer = self.backend.answer
    first, turn = copy.deepcopy(self.config), 0
    wait_until(lambda: self.weir.stat("http.main.downstream_rq_total") > 200, "some load")
    while turn < 10 or going():
      self.config = copy.deepcopy(first)
      self.change(turn)
      self.reload()
      turn += 1

  def test_wrk_sees_nothing_of_it(self):
    log = load.Log(self.weir.path("access.txt"))
    process = subprocess.Popen([load.program("wrk"), "-t1", "-c20", "-d%ds" % (4 * harness.SLOW),
                                "%s://%s/x" % (self.scheme, self.weir.addresses["main"])],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    self.addCleanup(process.kill)
    self.reload_some(lambda: process.poll() is None)
    log.check(self, load.check_wrk(self, process.communicate(timeout=harness.DEADLINE)[0].decode(), 20))

  def test_h2load_sees_nothing_of_it(self):
    log = load.Log(self.weir.path("access.txt"))
    clients = load.H2Loads("%s://%s/x" % (self.scheme, self.weir.addresses["main"]))
    self.reload_some(lambda: len(clients.outputs) < 4 and clients.going())
    log.check(self, clients.end(self))


class CountedByOthersOverTls(TemporaryCertificates, CountedByOthers):
  """The same while routes, filters and the certificate change."""

  scheme = "https"

  @classmethod
  def make_config(cls):
    cls.begin()
    return config([listener("main", access_log="access.txt", options={"tls": cls.tls()})], [cluster("app", cls.backend.address)])

  def change(self, turn):
    self.use((self.first, self.second)[turn % 2])
    self.manager()["routes"] = [route(prefix="/nobody/%d" % turn), route()]
    if turn % 2 == 0:
      mutation = {"append": {"header": {"key": "x-turn", "value": str(turn)}}}
      self.manager()["http_filters"] = [
          {"name": "header_mutation", "typed_config": {"mutations": {"response_mutations": [mutation]}}}, {"name": "mux"}]


class UnderLoad(ReloadTest):

  def test_many_reloads_lose_no_request_and_no_memory(self):
    self.other.answer = self.backend.answer
    clients = Load(self.weir)
    try:
      wait_until(lambda: all(count > 20 for count in clients.counts), lambda: "the load: %r" % clients.failures)
      first = copy.deepcopy(self.config)
      sizes = []
      for turn in range(RELOADS):
        self.config = copy.deepcopy(first)
        if turn % 4 == 0:
          self.manager()["server_name"] = "turn %d" % turn
        elif turn % 4 == 1:
          self.config["clusters"][0]["endpoints"] = [self.other.address, self.backend.address]
        elif turn % 4 == 2:
          self.config["listeners"].append(listener("second"))
          self.config["clusters"].append(cluster("second", self.other.address))
          self.manager()["routes"] = [route("second", "/nobody"), route()]
        else:
          self.config["clusters"][0]["circuit_breakers"] = {"thresholds": [{"max_connections": 1000 + turn}]}
        counts = list(clients.counts)
        self.reload()
        if turn % 10 == 0:  # everybody has work between
          wait_until(lambda: all(a > b for a, b in zip(clients.counts, counts)) or clients.failures, "the load to go on")
        self.assertEqual(clients.failures, [])
        sizes.append(self.weir.rss())
    finally:
      clients.end()
    self.assertEqual(clients.failures, [])
    # What was replaced is freed some time later; as much as waits for that at a time is there early.
    early, late = max(sizes[:RELOADS // 2]), max(sizes[-RELOADS // 10:])
    if not harness.SANITIZED:
      self.assertLess(late, early + (1 << 20), sizes[::RELOADS // 20])
    self.assertEqual(self.weir.stat("server.reload_failed"), 0)


if __name__ == "__main__":
  harness.main()
