"""What the host offers to plugins besides messages, with a plugin in C (plugins/host_calls.c): timers, posts, helper threads,
shared values, stats, the life of a plugin; and what the host tells of plugins: `weir plugins`, the time of their hooks."""

import hashlib
import json
import os
import re
import subprocess
import tempfile
import threading

import harness
from harness import WeirTest, cluster, config, listener, ok, request, route, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
BUILT = tempfile.TemporaryDirectory(prefix="weir-test-plugin-")
harness.PLUGINS = BUILT.name + ":" + harness.PLUGINS
ABC = hashlib.sha256(b"abc").hexdigest().encode()


def build(name):
  subprocess.run(["cc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra",
                  "-Werror", "-I" + TREE, "%s/plugins/%s.c" % (HERE, name), "-o", "%s/%s.so" % (BUILT.name, name)], check=True)

ABI = "1.0-rc2"  # plugins/abi/weir.h


def setUpModule():
  build("host_calls")


class HostCalls(WeirTest):

  concurrency = 2

  @classmethod
  def make_config(cls):
    filters = [{"name": "host_calls"}, {"name": "mux"}]
    return config([listener("main", [route("app")], http_filters=filters)], [cluster("app", cls.backend.address)],
                  limits={"slow_hook": "40ms"})

  def test_a_timer_answers_a_request(self):
    response = self.get("/timer")
    self.assertEqual((response.status, response.body), (200, b"timer"))

  def test_a_timer_of_a_stream_that_has_gone_does_not_fire(self):
    for _ in range(20):
      wire = self.connect()
      wire.send(request("/timer"))
      wire.rst()
    self.weir.wait_stat("plugin.host_calls.open", 0)
    self.assertEqual(self.get("/timer").body, b"timer")

  def test_a_timer_sees_the_answers_own_fields_as_long_as_its_stream_lives(self):
    """No hook of the filter looks at the answer, whose body fills what the backend connection reads into many times over."""
    step = threading.Semaphore(0)

    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\nx-of-answer: kept-one\r\ncontent-length: 1048576\r\n\r\n")
      for _ in range(16):
        step.acquire()
        wire.send(b"#" * 65536)
      self.backend.serve(wire)
    self.backend.scripts.append(script)
    client = self.connect()
    client.send(request("/look"))
    self.assertEqual(client.head().status, 200)

    def looked():
      return self.weir.stat("plugin.host_calls.late_right") + self.weir.stat("plugin.host_calls.late_wrong")
    for _ in range(15):
      step.release()
      client.take(65536)
      before = looked()
      wait_until(lambda: looked() > before, "a look")
    step.release()
    client.take(65536)
    self.assertEqual(self.weir.stat("plugin.host_calls.late_wrong"), 0)
    client.close()

  def test_work_on_a_helper_thread_comes_back_to_its_stream(self):
    wires = [self.connect() for _ in range(20)]
    for wire in wires:
      wire.send(request("/offload"))
    for wire in wires:
      self.assertEqual(wire.response().body, ABC)

  def test_work_for_a_stream_that_has_gone_comes_back_without_one(self):
    before = self.weir.stats()
    wire = self.connect()
    wire.send(request("/slow-offload"))
    self.weir.wait_stat("plugin.host_calls.open", 1)
    wire.rst()
    self.weir.wait_stat("plugin.host_calls.abandoned", before["plugin.host_calls.abandoned"] + 1)
    self.assertEqual(self.weir.stat("plugin.host_calls.answered"), before["plugin.host_calls.answered"])

  def test_a_posted_hook_changes_the_request_and_lets_it_go_on(self):
    seen = []

    def script(wire):
      seen.append(wire.request().get("x-posted"))
      wire.send(ok())

    self.backend.script = script
    self.assertEqual(self.get("/post").status, 200)
    self.assertEqual(seen, ["yes"])

  def test_a_hook_goes_from_worker_to_worker_and_back_to_its_stream(self):
    before = int(self.get("/visits").body)
    for _ in range(10):
      self.assertEqual(self.get("/visit").body, b"00" * 32)
    self.assertGreaterEqual(int(self.get("/visits").body), before + 20)

  def test_timers_of_workers_add_to_a_shared_number(self):
    before = int(self.get("/ticks").body)
    wait_until(lambda: int(self.get("/ticks").body) >= before + 4, "the workers' timers to tick")
    self.get("/visits")
    self.weir.wait_stat("kv.keys", 2)
    self.assertEqual(self.weir.stat("kv.bytes"), 2 * (len("host_calls") + 8) + len("ticks") + len("visits"))

  def test_a_histogram_shows_percentiles(self):
    self.assertEqual(self.get("/offload").body, ABC)
    page = self.weir.ask_admin("/stats?filter=host_calls").body.decode()
    self.assertRegex(page, r"(?m)^plugin\.host_calls\.delay: P50\([0-9.]+\) P90\([0-9.]+\) P99\([0-9.]+\)$")

  def test_the_end_is_in_order_and_on_the_right_threads(self):
    self.restart()
    self.assertEqual(self.get("/timer").body, b"timer")
    # Work that is under way when the end comes is waited for, and brought back.
    wire = self.connect()
    wire.send(request("/slow-offload"))
    self.weir.wait_stat("plugin.host_calls.open", 1)
    self.weir.signal(15)
    self.assertEqual(self.weir.wait_exit(), 0)
    said = re.findall(r"host_calls: (.*)", self.weir.log())
    self.assertEqual(said[0], "init with workers: 2")
    self.assertEqual(sorted(said[1:3]), ["start 0", "start 1"])
    self.assertEqual(sorted(said[3:5]), ["stop 0", "stop 1"])
    self.assertEqual(said[5:], ["config_free -1", "fini -1"])
    self.restart()


  def test_a_slow_hook_is_counted_and_logged_by_name(self):
    self.backend.script = lambda wire: (wire.request(), wire.send(ok()))
    before = self.weir.stat("plugin.host_calls.slow_hooks")
    self.assertEqual(self.get("/slow-hook").status, 200)
    self.assertGreater(self.weir.stat("plugin.host_calls.slow_hooks"), before)
    self.assertRegex(self.weir.log(), "plugin host_calls: a hook of filter host_calls took [0-9]+ ms")
    page = self.weir.ask_admin("/stats?filter=host_calls.hook_us").body.decode()
    self.assertRegex(page, r"^plugin\.host_calls\.hook_us: P50\(")


class ListOfPlugins(WeirTest):

  FILE = """
listeners:
  - address: 127.0.0.1:0
    http:
      http_filters: [{name: host_calls}, {name: mux}]
      routes: [{match: {prefix: /}, route: {cluster: a}}]
clusters: [{name: a, endpoints: ['127.0.0.1:1']}]
"""

  def plugins(self, text, *options):
    path = os.path.join(BUILT.name, "listed.yaml")
    with open(path, "w", encoding="utf-8") as file:
      file.write(text)
    return subprocess.run([harness.BINARY, "plugins", "-c", path, "--plugin-path", harness.PLUGINS] + list(options),
                          capture_output=True, text=True, check=False)

  def test_each_plugin_that_a_file_loads_is_a_line(self):
    done = self.plugins(self.FILE)
    self.assertEqual(done.returncode, 0, done.stderr)
    lines = done.stdout.splitlines()
    self.assertEqual(re.split("  +", lines[0]), ["NAME", "KIND", "PLUGIN", "VERSION", "ABI", "PATH", "SHA-256"])
    path = os.path.join(BUILT.name, "host_calls.so")
    with open(path, "rb") as file:
      digest = hashlib.sha256(file.read()).hexdigest()
    rows = {row[0]: row for row in (re.split("  +", line) for line in lines[1:])}
    self.assertEqual(rows["host_calls"], ["host_calls", "HTTP filter", "host_calls", "1.0", ABI, path, digest])
    self.assertEqual(rows["h1"][1], "codec")

  def test_the_same_as_json(self):
    rows = json.loads(self.plugins(self.FILE, "--format", "json").stdout)
    mine = [row for row in rows if row["name"] == "host_calls"]
    self.assertEqual([(row["kind"], row["abi"]) for row in mine], [("HTTP filter", ABI)])
    self.assertRegex(mine[0]["sha256"], "^[0-9a-f]{64}$")

  def test_mistakes_are_told_as_when_it_is_validated(self):
    done = self.plugins(self.FILE.replace("host_calls", "nowhere"))
    self.assertEqual((done.returncode, done.stdout), (1, ""))
    self.assertIn("nowhere", done.stderr)


if __name__ == "__main__":
  harness.main()
