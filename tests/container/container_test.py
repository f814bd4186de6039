"""The image, built by the Dockerfile, run for real: `./dev container-test`."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest
import zlib

import containers
from containers import Container, IMAGE, TREE, podman, run_command
import harness
from harness import Backend, Truncated, wait_until

MIB = 1024 * 1024

PROXY = """
admin: { address: "${WEIR_ADMIN_ADDRESS}" }
listeners:
  - name: main
    address: ${WEIR_ADDRESS}
    http:
      access_log: stdout
      routes:
        - { match: { prefix: / }, route: { cluster: app } }
clusters:
  - { name: app, endpoints: ["${APP}"] }
"""


class Image(unittest.TestCase):

  @classmethod
  def setUpClass(cls):
    cls.facts = json.loads(podman("image", "inspect", IMAGE).stdout)[0]

  def test_says_how_it_is_run(self):
    config = self.facts["Config"]
    self.assertEqual(config["Entrypoint"], ["weir"])
    self.assertEqual(config["Cmd"], ["-c", "/etc/weir/weir.yaml"])
    self.assertEqual(config["User"], "65532:65532")
    self.assertEqual(config["StopSignal"], "SIGTERM")
    self.assertEqual(self.facts["Healthcheck"]["Test"], ["CMD", "weir", "health", "-c", "/etc/weir/weir.yaml"])
    self.assertEqual(config["ExposedPorts"], {"8080/tcp": {}})
    for label in ("title", "description", "licenses", "version", "revision"):
      self.assertTrue(config["Labels"]["org.opencontainers.image." + label], label)

  def test_names_the_version_that_it_holds(self):
    version = self.facts["Config"]["Labels"]["org.opencontainers.image.version"]
    self.assertEqual(run_command("--version").stdout, "weir %s\n" % version)

  def test_is_small_when_it_is_packed(self):
    with tempfile.TemporaryDirectory() as directory:
      path = os.path.join(directory, "image.tar")
      podman("save", "--format", "docker-archive", "--output", path, IMAGE)
      packer, packed = zlib.compressobj(6), 0
      with open(path, "rb") as file:
        while block := file.read(MIB):
          packed += len(packer.compress(block))
      packed += len(packer.flush())
    print("\nimage: %.1f MiB compressed" % (packed / MIB), flush=True)
    self.assertLessEqual(packed, 40 * MIB)

  def test_holds_nothing_but_what_runs(self):
    with tempfile.TemporaryDirectory() as directory:
      path = os.path.join(directory, "image.tar")
      made = podman("create", IMAGE).stdout.strip()
      try:
        podman("export", "--output", path, made)
      finally:
        podman("rm", made)
      names = subprocess.run(["tar", "-tvf", path], capture_output=True, text=True, check=True).stdout.splitlines()
    files = [line.split(None, 5) for line in names if line[0] == "-"]
    programs = [row[5] for row in files if re.match(r"(?:usr/)?s?bin/|usr/local/", row[5])]
    self.assertEqual(programs, ["usr/bin/weir"])
    self.assertEqual([row for row in files if re.search("[st]", row[0], re.IGNORECASE)], [], "set-uid or set-gid")
    self.assertIn("etc/ssl/certs/ca-certificates.crt", [row[5] for row in files])

  def test_lists_its_plugins(self):
    done = run_command("plugins", "-c", "/etc/weir/weir.yaml", "--format", "json")
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertIn("/usr/lib/weir/plugins/h1.so", done.stdout)


class DefaultFile(unittest.TestCase):

  @classmethod
  def setUpClass(cls):
    cls.container = Container(env=[("IGNORED", "1")])
    cls.addClassCleanup(cls.container.remove)

  def test_serves_a_welcome_page(self):
    page = self.container.get("/")
    self.assertEqual(page.status, 200)
    self.assertIn(b"Weir runs", page.body)
    self.assertEqual(self.container.get("/other").status, 404)

  def test_answers_probes_beside_it(self):
    page = self.container.get("/ready")
    self.assertEqual((page.status, page.body), (200, b"LIVE\n"))

  def test_is_healthy_by_its_own_health_check(self):
    done = podman("healthcheck", "run", self.container.id, check=False)
    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

  def test_writes_logs_to_its_standard_streams(self):
    self.container.get("/seen-in-the-log")
    wait_until(lambda: '"GET /seen-in-the-log HTTP/1.1" 404' in podman("logs", self.container.id).stdout, "the access log")
    self.assertIn("listener http is bound to " + self.container.address, podman("logs", self.container.id).stderr)

  def test_is_the_first_process_and_has_no_rights(self):
    self.assertEqual(self.container.status("NSpid")[-1], "1")
    self.assertEqual(set(self.container.status("Uid")), {"65532"})
    self.assertEqual(set(self.container.status("Gid")), {"65532"})
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
      self.assertEqual(int(self.container.status(name)[0], 16), 0, name)
    self.assertEqual(self.container.status("NoNewPrivs"), ["1"])


class Workers(unittest.TestCase):

  def threads(self, *flags, concurrency=None):
    command = ["-c", "/etc/weir/weir.yaml"] + (["--concurrency", str(concurrency)] if concurrency else [])
    container = Container(command=command, flags=flags)
    try:
      return int(container.status("Threads")[0])
    finally:
      container.remove()

  def test_are_as_many_as_the_quota_of_cpus_allows(self):
    one, two = self.threads(concurrency=1), self.threads(concurrency=2)
    self.assertEqual(two, one + 1)
    self.assertEqual(self.threads("--cpus", "0.5"), one)
    self.assertEqual(self.threads("--cpus", "1.5"), min(one + len(os.sched_getaffinity(0)) - 1, two))


class OwnFile(unittest.TestCase):

  def setUp(self):
    self.backend = Backend()
    self.addCleanup(self.backend.stop)

  def start(self, config=PROXY, **more):
    container = Container(config=config, env=[("APP", self.backend.address)], **more)
    self.addCleanup(container.remove)
    return container

  def test_is_served_from_the_mounted_directory(self):
    container = self.start()
    page = container.get("/from-the-backend")
    self.assertEqual((page.status, page.body), (200, b"/from-the-backend"))

  def test_resolves_names_of_the_hosts_file(self):
    port = self.backend.address.rpartition(":")[2]
    container = self.start(PROXY.replace("${APP}", "backend.test:" + port), flags=["--add-host", "backend.test:127.0.0.1"])
    self.assertEqual(container.get("/by-name").status, 200)

  def test_with_a_mistake_ends_the_container_with_code_1_and_the_place(self):
    with tempfile.TemporaryDirectory() as directory:
      os.chmod(directory, 0o755)
      with open(os.path.join(directory, "weir.yaml"), "w", encoding="utf-8") as file:
        file.write("listeners:\n  - adress: 0.0.0.0:8080\n")
      done = run_command("-c", "/etc/weir/weir.yaml", flags=["--volume", directory + ":/etc/weir:ro"])
    self.assertEqual(done.returncode, 1)
    self.assertIn("/etc/weir/weir.yaml:2:5:", done.stderr)

  def test_may_use_a_plugin_of_the_mounted_plugin_directory(self):
    with tempfile.TemporaryDirectory() as directory:
      os.chmod(directory, 0o755)
      subprocess.run(["gcc", "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", "-I" + TREE,
                      os.path.join(TREE, "examples/plugins/add_header/add_header.c"), "-o", directory + "/add_header.so"],
                     check=True)
      filters = """      http_filters:
        - { name: add_header, typed_config: { name: x-of-a-third-party, value: "1" } }
        - name: mux
      routes:"""
      container = self.start(PROXY.replace("      routes:", filters), flags=["--volume", directory + ":/plugins:ro"])
      self.assertEqual(container.get("/").get("x-of-a-third-party"), "1")

  def test_a_stop_under_load_fails_no_request(self):
    container = self.start(command=["-c", "/etc/weir/weir.yaml", "--concurrency", "2"])
    load = Load(container)
    wait_until(lambda: load.served > 300 or load.failures, "some load")
    podman("stop", "--time", "60", container.id)
    load.finish()
    self.assertEqual(load.failures, [])
    self.assertLessEqual(len(load.unborn), 2, load.unborn)
    self.assertEqual(container.exit_code(), 0)

  def test_a_reload_under_load_fails_no_request(self):
    container = self.start(command=["-c", "/etc/weir/weir.yaml", "--concurrency", "2"])
    load = Load(container)
    wait_until(lambda: load.served > 100 or load.failures, "some load")
    changed = PROXY.replace("      routes:", "      routes:\n        - { match: { path: /edition }, direct_response: "
                            "{ status: 200, body: two } }")
    container.write("weir.yaml", changed)
    container.signal("HUP")
    wait_until(lambda: container.get("/edition").body == b"two", lambda: "the reload: " + container.logs())
    served = load.served
    wait_until(lambda: load.served > served + 100 or load.failures, "some load after it")
    container.write("weir.yaml", "listeners: nonsense\n")
    container.signal("HUP")
    wait_until(lambda: container.stats()["server.reload_failed"] == "1", lambda: "the mistake: " + container.logs())
    self.assertEqual(container.get("/edition").body, b"two")
    load.finish()
    self.assertEqual((load.failures, load.unborn), ([], []))

  def test_wrk_sees_no_failure_of_a_stop(self):
    container = self.start(command=["-c", "/etc/weir/weir.yaml", "--concurrency", "2"])
    # Its connections end with the drain and cannot be made again: only answers that are no 2xx count.
    wrk = subprocess.Popen([shutil.which("wrk") or "wrk", "-t1", "-c16", "-d3s", "http://%s/x" % container.address],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_until(lambda: int(container.stats()["http.main.downstream_rq_total"]) > 200, "some load")
    podman("stop", "--time", "60", container.id)
    output = wrk.communicate(timeout=60)[0]
    self.assertNotIn("Non-2xx", output)
    self.assertEqual(container.exit_code(), 0)


class Load:
  """Clients that keep their connections until they are told not to, and count what went wrong."""

  def __init__(self, container, clients=8):
    self.container = container
    self.served = 0
    self.failures = []
    self.unborn = []  # reset by the kernel before anybody had accepted them, when a listening socket closed
    self.stopped = threading.Event()
    self.threads = [threading.Thread(target=self.work) for _ in range(clients)]
    for thread in self.threads:
      thread.start()

  def work(self):
    while not self.stopped.is_set():
      try:
        wire = self.container.connect()
      except ConnectionError:
        return  # refused: the process takes no more
      try:
        self.use(wire)
      finally:
        wire.close()

  def use(self, wire):
    for number in range(20):
      try:
        response = wire.send(b"GET /%d HTTP/1.1\r\nhost: a.test\r\n\r\n" % number).response()
      except (OSError, Truncated) as error:
        born = number > 0 or wire.buffer or not isinstance(error, ConnectionResetError)
        (self.failures if born else self.unborn).append("request %d: %r, %r" % (number, error, wire.buffer))
        return
      if response.status != 200:
        self.failures.append(response)
      self.served += 1
      if response.closes():
        return

  def finish(self):
    self.stopped.set()
    for thread in self.threads:
      thread.join(harness.DEADLINE)


if __name__ == "__main__":
  unittest.main(verbosity=2)
