"""Listeners and workers: several workers, Unix sockets, IPv6, bytes without HTTP, the admin pages."""

import os
import socket
import subprocess
import threading

import harness
from harness import Backend, WeirTest, config, cluster, listener, ok, request, wait_until


class Workers(WeirTest):
  concurrency = 2

  def test_both_workers_serve(self):
    clients = [self.connect() for _ in range(60)]
    for number, client in enumerate(clients):
      client.send(request("/%d" % number))
    for number, client in enumerate(clients):
      self.assertEqual(client.response().body, b"/%d" % number)
    self.assertEqual(self.weir.stat("server.concurrency"), 2)
    self.assertEqual(self.weir.stat("http.main.downstream_cx_active"), 60)

  def test_counters_of_the_workers_add_up(self):
    before = self.weir.stats()
    for _ in range(40):
      self.assertEqual(self.get().status, 200)
    after = self.weir.stats()
    for name in ("http.main.downstream_rq_total", "http.main.downstream_rq_2xx", "cluster.app.upstream_rq_2xx",
                 "http.main.downstream_rq_completed", "cluster.app.upstream_rq_completed"):
      self.assertEqual(after[name] - before[name], 40, name)


class UnixSockets(WeirTest):

  @classmethod
  def make_config(cls):
    cls.directory = harness.tempfile.mkdtemp(prefix="weir-it-")
    cls.addClassCleanup(lambda: harness.shutil.rmtree(cls.directory, ignore_errors=True))
    cls.unix = Backend(socket.AF_UNIX, os.path.join(cls.directory, "backend"))
    cls.backends.append(cls.unix)
    cls.path = os.path.join(cls.directory, "weir")
    return config([listener("main", address={"pipe": {"path": cls.path, "mode": 0o600}}),
                   listener("tcp", [harness.route("unix")])],
                  [cluster("app", cls.backend.address), cluster("unix", cls.unix.address)])

  def test_listener_on_a_unix_socket(self):
    client = self.connect()
    for _ in range(3):
      self.assertEqual(client.send(request("/u")).response().body, b"/u")
    self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)

  def test_backend_on_a_unix_socket(self):
    client = self.connect("tcp")
    for _ in range(3):
      self.assertEqual(client.send(request("/u")).response().body, b"/u")
    self.assertEqual(len(self.unix.wires), 1)

  def test_an_ip_is_not_made_up_for_a_unix_client(self):
    self.connect().send(request()).response()
    self.assertEqual(self.backend.requests[0].all("x-forwarded-for"), [])


class Ipv6(WeirTest):

  @classmethod
  def make_config(cls):
    cls.six = Backend(socket.AF_INET6, ("::1", 0))
    cls.backends.append(cls.six)
    return config([listener("main", [harness.route("six")], address="[::1]:0")],
                  [cluster("app", cls.backend.address), cluster("six", cls.six.address)])

  def test_listener_and_backend_on_ipv6(self):
    client = self.connect()
    self.assertEqual(client.send(request("/six", host="[::1]:80")).response().body, b"/six")
    seen = self.six.requests[0]
    self.assertEqual((seen.get("x-forwarded-for"), seen.get("host")), ("::1", "[::1]:80"))


class Tcp(WeirTest):

  @classmethod
  def make_config(cls):
    cls.held, cls.closed = harness.closed_port()
    cls.addClassCleanup(cls.held.close)
    tcp = lambda name, to, **keys: {"name": name, "address": "127.0.0.1:0",
                                    "tcp": dict({"cluster": to, "stat_prefix": name}, **keys)}
    return config([tcp("main", "app"), tcp("idle", "app", idle_timeout="0.3s"), tcp("dead", "dead", max_connect_attempts=2)],
                  [cluster("app", cls.backend.address), cluster("dead", cls.closed)])

  def echo(self, wire):
    while wire.fill():
      data, wire.buffer = wire.buffer, b""
      wire.send(data.upper())

  def test_bytes_go_both_ways(self):
    self.backend.script = self.echo
    client = self.connect()
    for number in range(20):
      text = b"hello %d" % number
      client.send(text)
      self.assertEqual(client.take(len(text)), text.upper())

  def test_half_close_of_the_client(self):
    def script(wire):
      got = wire.rest()
      wire.send(b"after: " + got)
    self.backend.script = script
    client = self.connect()
    client.send(b"bytes").half_close()
    self.assertEqual(client.rest(), b"after: bytes")

  def test_half_close_of_the_backend(self):
    got = []

    def script(wire):
      wire.send(b"bye")
      wire.half_close()
      got.append(wire.rest())
    self.backend.script = script
    client = self.connect()
    self.assertEqual(client.rest(), b"bye")
    client.send(b"still here").half_close()
    wait_until(lambda: got, "the rest")
    self.assertEqual(got, [b"still here"])

  def test_backend_that_speaks_first(self):
    self.backend.script = lambda wire: (wire.send(b"220 ready\r\n"), wire.rest())
    self.assertEqual(self.connect().take(11), b"220 ready\r\n")

  def test_rst_of_the_backend_with_its_last_bytes(self):
    self.backend.script = lambda wire: (wire.take(1), wire.send(b"last"), wire.rst())
    for _ in range(20):
      client = self.connect()
      client.send(b"x")
      try:
        client.rest()
      except ConnectionError:
        pass
      client.close()

  def test_idle_connection_is_closed(self):
    self.backend.script = self.echo
    client = self.connect("idle")
    client.send(b"x")
    self.assertEqual(client.take(1), b"X")
    self.assertTrue(client.at_end())
    self.assertEqual(self.weir.stat("tcp.idle.idle_timeout"), 1)

  def test_refused_backend_ends_the_client(self):
    before = self.weir.stat("cluster.dead.upstream_cx_connect_fail")
    client = self.connect("dead")
    try:
      self.assertEqual(client.rest(), b"")
    except ConnectionError:
      pass
    self.assertEqual(self.weir.stat("cluster.dead.upstream_cx_connect_fail"), before + 2)

  def test_many_bytes_each_way_at_once(self):
    size = 8 << 20
    pattern = bytes(range(256)) * (size // 256)

    def script(wire):
      writer = threading.Thread(target=lambda: wire.send(pattern))
      writer.start()
      wire.got = wire.take(size)
      writer.join()
    self.backend.script = script
    client = self.connect()
    writer = threading.Thread(target=lambda: client.send(pattern))
    writer.start()
    self.assertEqual(client.take(size), pattern)
    writer.join()
    wait_until(lambda: getattr(self.backend.wires[0], "got", None) == pattern, "the bytes at the backend")


class Simple(WeirTest):

  @classmethod
  def make_config(cls):
    return config([{"name": "main", "address": "127.0.0.1:0", "filters": [{"name": "echo"}]},
                   {"name": "fixed", "address": "127.0.0.1:0",
                    "filters": [{"name": "direct_response", "typed_config": {"response": "hello\n"}}]}],
                  [])

  def test_echo(self):
    client = self.connect()
    client.send(b"hello")
    self.assertEqual(client.take(5), b"hello")
    client.send(b"more").half_close()
    self.assertEqual(client.rest(), b"more")

  def test_echo_of_a_client_that_reads_late(self):
    data = bytes(range(256)) * 16384
    client = self.connect()
    writer = threading.Thread(target=lambda: (client.send(data), client.half_close()))
    writer.start()
    self.assertEqual(client.rest(), data)
    writer.join()

  def test_direct_response_of_a_network_filter(self):
    self.assertEqual(self.connect("fixed").rest(), b"hello\n")


class Admin(WeirTest):

  def test_ready(self):
    page = self.weir.ask_admin("/ready")
    self.assertEqual((page.status, page.body.strip()), (200, b"LIVE"))

  def test_stats_have_every_counter(self):
    self.get()
    stats = self.weir.stats()
    for name in ("http.main.downstream_rq_total", "cluster.app.upstream_cx_total", "listener.main.downstream_cx_total",
                 "server.memory_pinned", "access_log.written"):
      self.assertIn(name, stats)

  def test_used_only_and_filter(self):
    self.get()
    used = self.weir.ask_admin("/stats?usedonly").body.decode()
    self.assertNotIn(": 0\n", used)
    found = self.weir.ask_admin("/stats?filter=cluster").body.decode().splitlines()
    self.assertTrue(found and all("cluster" in line for line in found))

  def test_unknown_page_is_404(self):
    self.assertEqual(self.weir.ask_admin("/nothing").status, 404)

  def test_other_methods_are_405(self):
    self.assertEqual(self.weir.ask_admin("/stats", "DELETE").status, 405)

  def test_head(self):
    self.assertEqual(self.weir.ask_admin("/ready", "HEAD").status, 200)


class Starting(harness.unittest.TestCase):
  """What the program says when it cannot start."""

  def run_weir(self, *arguments):
    done = subprocess.run([harness.BINARY, *arguments] + (["--plugin-path", harness.PLUGINS] if harness.PLUGINS else []),
                          capture_output=True, timeout=harness.DEADLINE, check=False)
    return done.returncode, done.stderr.decode()

  def test_address_in_use_is_exit_code_3_and_names_it(self):
    held = socket.socket()
    self.addCleanup(held.close)
    held.bind(("127.0.0.1", 0))
    held.listen(1)
    address = "127.0.0.1:%d" % held.getsockname()[1]
    code, text = self.run_weir("--config-yaml", "listeners: [{address: '%s', http: {routes: [{match: {prefix: /}, "
                               "direct_response: {status: 200}}]}}]" % address)
    self.assertEqual(code, 3, text)
    self.assertIn(address, text)

  def test_mistakes_are_exit_code_1_with_line_and_column(self):
    code, text = self.run_weir("--config-yaml", "listeners:\n- adress: 127.0.0.1:0\n")
    self.assertEqual(code, 1)
    self.assertIn(":2:3", text)
    self.assertIn("address", text)

  def test_bad_usage_is_exit_code_2(self):
    self.assertEqual(self.run_weir("--nonsense")[0], 2)


if __name__ == "__main__":
  harness.main()
