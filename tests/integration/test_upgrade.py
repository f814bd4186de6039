"""An upgrade: a new program takes over the listening sockets, the old one drains, and no client sees anything of it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import harness
import load
from harness import Backend, Weir, cluster, config, listener, request, wait_until


class UpgradeTest(unittest.TestCase):
  """One chain of processes for each test; `self.weir` is the first of them."""

  concurrency = 2

  def listeners(self):
    return [listener("main", access_log="access.txt"), listener("unix", address="unix:%s/sock" % self.directory),
            listener("shared", options={"enable_reuse_port": False})]

  def setUp(self):
    self.backend = Backend()
    self.addCleanup(self.backend.stop)
    self.directory = tempfile.mkdtemp(prefix="weir-upgrade-")
    self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
    self.binary = os.path.join(self.directory, "weir")
    self.prepare(harness.BINARY)
    whole, harness.BINARY = harness.BINARY, self.binary
    try:
      self.weir = Weir(self.make_config(), self.concurrency, ("--pid-file", "weir.pid", "--drain-time", "10s"))
    finally:
      harness.BINARY = whole
    self.addCleanup(self.weir.kill)
    self.addCleanup(self.end)
    self.known = [self.weir.process.pid]
    wait_until(lambda: self.pid() == self.weir.process.pid, "the file with the process's number")

  def prepare(self, binary):
    os.symlink(binary, self.binary)

  def make_config(self):
    return config(self.listeners(), [cluster("app", self.backend.address)])

  def pid(self):
    try:
      with open(self.weir.path("weir.pid"), encoding="ascii") as file:
        return int(file.read())
    except FileNotFoundError:
      return 0

  def end(self):
    """Ends whoever serves now."""
    pid = self.pid()
    if pid and pid != self.weir.process.pid:
      os.kill(pid, signal.SIGTERM)
      self.wait_gone(pid)
      self.assertFalse(os.path.exists(self.weir.path("weir.pid")))
      self.assertFalse(os.path.exists(self.directory + "/sock"))

  @staticmethod
  def gone(pid):
    try:
      with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
      return True

  def wait_gone(self, pid):
    wait_until(lambda: self.gone(pid), lambda: "process %d to end: %s" % (pid, self.weir.log()))

  def command(self):
    return subprocess.run([self.binary, "upgrade", "--pid-file", self.weir.path("weir.pid")], capture_output=True,
                          text=True, check=False, timeout=90)

  def upgrade(self):
    """Returns the new process's number."""
    old = self.pid()
    done = self.command()
    self.assertEqual((done.returncode, done.stderr), (0, ""), self.weir.log())
    new = self.pid()
    self.assertEqual(done.stdout, "process %d serves, process %d drains\n" % (new, old))
    self.assertNotIn(new, self.known)
    self.known.append(new)
    return new

  def get(self, target="/", name="main"):
    client = self.weir.connect(name)
    try:
      return client.send(request(target)).response()
    finally:
      client.close()

  def read_addresses(self):
    with open(self.weir.path("addresses"), encoding="utf-8") as file:
      self.weir.addresses = dict(line.split(" ") for line in file.read().splitlines())

  def write_config(self, text):
    with open(self.weir.config_path, "w", encoding="utf-8") as file:
      file.write(text if isinstance(text, str) else harness.json.dumps(text))


class Upgrade(UpgradeTest):

  def test_the_new_process_serves_on_the_same_sockets_and_the_old_one_ends(self):
    before = dict(self.weir.addresses)
    self.upgrade()
    self.assertEqual(self.weir.wait_exit(), 0)
    for name in ("main", "unix", "shared"):
      self.assertEqual(self.get("/" + name, name).body, ("/" + name).encode())
    self.read_addresses()
    self.assertEqual(self.weir.addresses, before)
    self.assertEqual(self.weir.ask_admin("/ready").status, 200)
    self.weir.check_log()

  def test_it_can_be_done_again_and_again(self):
    for _ in range(3):
      old = self.pid()
      self.upgrade()
      self.wait_gone(old)
      self.assertEqual(self.get("/x").body, b"/x")

  def test_a_running_request_is_finished_by_the_old_process(self):
    go = threading.Event()

    def script(wire):
      wire.request()
      go.wait(harness.DEADLINE)
      wire.send(harness.ok(b"in time"))
    self.backend.script = script
    client = self.weir.connect()
    self.addCleanup(client.close)
    client.send(request())
    wait_until(self.backend.total_received, "the request")
    self.upgrade()
    self.assertIsNone(self.weir.process.poll())
    go.set()
    response = client.response()
    self.assertEqual((response.body, response.closes()), (b"in time", True))
    client.close()
    self.assertEqual(self.weir.wait_exit(), 0)

  def test_the_admin_pages_are_the_new_process_s_at_once(self):
    client = self.weir.connect()  # keeps the old process
    self.addCleanup(client.close)
    client.send(request()).response()
    self.upgrade()
    for _ in range(20):
      self.assertEqual(self.weir.ask_admin("/ready").status, 200)
    self.assertEqual(self.weir.stat("http.main.downstream_rq_total"), 0)

  def test_a_bad_configuration_changes_nothing(self):
    self.write_config("listeners: 5\n")
    done = self.command()
    self.assertEqual((done.returncode, done.stdout), (1, ""))
    self.assertIn("exit code 1", done.stderr)
    self.assertIn("weir.yaml:1:12", done.stderr)
    self.assertIn("this process serves on", self.weir.log())
    self.assertIn("weir.yaml:1:12", self.weir.log())
    self.assertEqual(self.get("/still").body, b"/still")
    self.assertEqual(self.pid(), self.weir.process.pid)
    self.assertEqual(self.weir.ask_admin("/ready").status, 200)
    self.write_config(self.make_config())
    self.upgrade()
    self.assertEqual(self.weir.wait_exit(), 0)

  def test_an_address_that_cannot_be_bound_changes_nothing(self):
    taken = socket.socket()
    self.addCleanup(taken.close)
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    self.write_config(config(self.listeners() + [listener("more", address="127.0.0.1:%d" % taken.getsockname()[1])],
                             [cluster("app", self.backend.address)]))
    done = self.command()
    self.assertEqual(done.returncode, 1)
    self.assertIn("listener more: cannot bind", done.stderr)
    self.assertEqual(self.get("/still").body, b"/still")

  def test_a_bad_program_changes_nothing(self):
    good = os.readlink(self.binary)
    for text, why in ((b"", "exit code"), (b"\x7fELF nonsense", "cannot run"),
                      (b"#!/bin/sh\nexit 7\n", "exit code 7"), (b"#!/bin/sh\nkill -9 $$\n", "signal 9")):
      with self.subTest(text):
        os.unlink(self.binary)
        with open(self.binary, "wb") as file:
          file.write(text)
        os.chmod(self.binary, 0o755)
        self.weir.signal(signal.SIGUSR2)
        outcome = self.weir.path("weir.pid.upgrade")
        wait_until(lambda: os.path.exists(outcome), "the outcome")
        with open(outcome, encoding="utf-8") as file:
          said = file.read()
        os.unlink(outcome)
        if text:  # an empty file is an empty program to some, and none to others
          self.assertIn(why, said)
        self.assertTrue(said.startswith("failed "), said)
        self.assertEqual(self.get("/still").body, b"/still")
    os.unlink(self.binary)
    os.symlink(good, self.binary)
    self.upgrade()
    self.assertEqual(self.weir.wait_exit(), 0)

  def reload_meanwhile(self, **keys):
    """A listener more, while an upgrade is under way."""
    made = self.make_config()
    made["listeners"].append(listener("more"))
    made.update(keys)
    self.write_config(made)
    self.weir.signal(signal.SIGHUP)
    wait_until(lambda: "the reload comes when the upgrade is over" in self.weir.log(), self.weir.log)

  def serves_more(self):
    def bound():
      self.read_addresses()
      return "more" in self.weir.addresses
    wait_until(bound, self.weir.log)
    self.assertEqual(self.get("/more", "more").body, b"/more")

  def test_a_reload_during_an_upgrade_is_the_successors(self):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:  # a DNS server that never answers
      silent.bind(("127.0.0.1", 0))
      silent.settimeout(harness.DEADLINE)
      made = self.make_config()
      made["limits"] = {"dns_warm_timeout": "1s"}
      made["clusters"].append(cluster("late", "somewhere.test:80", type="STRICT_DNS",
                                      dns_resolvers=["127.0.0.1:%d" % silent.getsockname()[1]]))
      self.write_config(made)
      self.weir.signal(signal.SIGUSR2)
      silent.recv(512)  # it has read the configuration, and does not serve yet
      self.reload_meanwhile(clusters=made["clusters"], limits=made["limits"])
      self.assertEqual(self.weir.wait_exit(), 0)
      self.serves_more()

  def test_a_reload_during_an_upgrade_that_fails_is_made_up_for(self):
    os.unlink(self.binary)
    with open(self.binary, "w", encoding="ascii") as file:
      file.write("#!/bin/sh\nwhile [ ! -e go ]; do sleep 0.05; done\nexit 7\n")
    os.chmod(self.binary, 0o755)
    self.weir.signal(signal.SIGUSR2)
    wait_until(lambda: "is to take over" in self.weir.log(), self.weir.log)
    self.reload_meanwhile()
    with open(self.weir.path("go"), "w", encoding="ascii"):
      pass
    self.serves_more()

  def test_a_program_that_closes_the_pipe_and_stays_is_ended(self):
    os.unlink(self.binary)
    with open(self.binary, "w", encoding="ascii") as file:
      file.write("#!/bin/bash\necho $$ > stuck\nexec {WEIR_UPGRADE_FD}>&-\nexec sleep 1000\n")
    os.chmod(self.binary, 0o755)
    self.weir.signal(signal.SIGUSR2)
    wait_until(lambda: "did not say that it serves" in self.weir.log(), self.weir.log)
    with open(self.weir.path("stuck"), encoding="ascii") as file:
      self.wait_gone(int(file.read()))
    self.assertEqual(self.get("/still").body, b"/still")

  def test_a_listener_that_is_gone_is_closed_and_a_new_one_is_bound(self):
    self.write_config(config([listener("main"), listener("new")], [cluster("app", self.backend.address)]))
    self.upgrade()
    self.assertEqual(self.weir.wait_exit(), 0)
    former = self.weir.addresses["shared"]
    self.read_addresses()
    self.weir.addresses["former"] = former
    self.assertEqual(self.get("/new", "new").body, b"/new")
    self.assertEqual(self.get("/main").body, b"/main")
    with self.assertRaises(OSError):
      self.weir.connect("former")
    self.assertIn("no listener is for ", self.weir.log())
    self.assertFalse(os.path.exists(self.directory + "/sock"))

  def test_sigterm_during_the_drain_is_a_first_signal(self):
    client = self.weir.connect()
    self.addCleanup(client.close)
    self.backend.script = lambda wire: (wire.request(), wire.rest())
    client.send(request())
    wait_until(self.backend.total_received, "the request")
    self.upgrade()
    self.weir.signal(signal.SIGTERM)
    wait_until(lambda: "this process drains already" in self.weir.log(), "the signal")
    self.assertIsNone(self.weir.process.poll())
    self.weir.signal(signal.SIGTERM)
    self.assertEqual(self.weir.wait_exit(), 128 + signal.SIGTERM)
    client.close()

  def test_the_command_says_what_is_wrong_with_the_file(self):
    path = os.path.join(self.directory, "other.pid")
    other = subprocess.Popen(["sleep", "1000"])
    self.addCleanup(other.wait)
    self.addCleanup(other.kill)
    for text, why in ((None, "no process's number"), ("x\n", "no process's number"),
                      ("%d\n" % other.pid, "is no running Weir"), ("99999999\n", "is no running Weir")):
      with self.subTest(text):
        if text is not None:
          with open(path, "w", encoding="ascii") as file:
            file.write(text)
        done = subprocess.run([self.binary, "upgrade", "--pid-file", path], capture_output=True, text=True, check=False,
                              timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(why, done.stderr)


class Connector(threading.Thread):
  """Connects, asks once and closes, over and over; keeps what went wrong."""

  def __init__(self, weir, name):
    super().__init__(daemon=True)
    self.weir = weir
    self.listener = name
    self.over = threading.Event()
    self.failures = []
    self.served = 0

  def run(self):
    while not self.over.is_set():
      try:
        client = self.weir.connect(self.listener)
        try:
          for number in range(1 + self.served % 3):
            response = client.send(request("/%d" % number)).response()
            if response.status != 200:
              self.failures.append(response)
            self.served += 1
            if response.closes():
              break
        finally:
          client.close()
      except (OSError, harness.HarnessError) as error:
        self.failures.append(repr(error))


@contextlib.contextmanager
def hammering(weir):
  """Many connections to all listeners meanwhile, and for some time before and after. None of them fails."""
  threads = [Connector(weir, name) for name in ("main", "main", "unix", "shared") * 2]

  def more():
    wanted = sum(thread.served for thread in threads) + 200
    wait_until(lambda: sum(thread.served for thread in threads) > wanted, "some load")
  for thread in threads:
    thread.start()
  try:
    more()
    yield
    more()
  finally:
    for thread in threads:
      thread.over.set()
    for thread in threads:
      thread.join()
  failures = [thread.failures[:3] for thread in threads if thread.failures]
  if failures:
    raise harness.HarnessError("connections failed: %r in\n%s" % (failures, weir.log()))


class UnderLoad(UpgradeTest):
  """Not one connection is refused, reset or ended without an answer."""

  def test_no_connection_is_lost(self):
    with hammering(self.weir):
      for _ in range(4):
        old = self.pid()
        self.upgrade()
        self.wait_gone(old)

  def upgrade_twice(self):
    for _ in range(2):
      wait_until(lambda: self.weir.stat("http.main.downstream_rq_total") > 200, "some load")
      old = self.pid()
      self.upgrade()
      self.wait_gone(old)

  def test_wrk_sees_nothing_of_it(self):
    log = load.Log(self.weir.path("access.txt"))
    process = subprocess.Popen([load.program("wrk"), "-t1", "-c20", "-d%ds" % (6 * harness.SLOW),
                                "http://%s/x" % self.weir.addresses["main"]],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    self.addCleanup(process.kill)
    self.upgrade_twice()
    self.assertIsNone(process.poll(), "it has to last longer than the upgrades")
    output = process.communicate(timeout=harness.DEADLINE * 2)[0].decode()
    log.check(self, load.check_wrk(self, output, 20))

  def test_h2load_sees_nothing_of_it(self):
    log = load.Log(self.weir.path("access.txt"))
    clients = load.H2Loads("http://%s/x" % self.weir.addresses["main"])
    self.upgrade_twice()
    seen = len(clients.outputs)
    wait_until(lambda: len(clients.outputs) > seen + 1 or not clients.going(), "one more round")
    log.check(self, clients.end(self))


class OtherWorkers(UpgradeTest):
  """The number of workers is not the same before and after: no socket is closed that someone waits at."""

  def prepare(self, binary):
    self.write_workers(4)
    # It keeps the name of the script, and the next process is made by it too.
    with open(self.binary, "w", encoding="ascii") as file:
      file.write("#!/bin/bash\nif [ \"$1\" = upgrade ]; then exec %s \"$@\"; fi\n"
                 "exec -a %s %s \"$1\" \"$2\" --concurrency $(cat %s.workers) \"${@:5}\"\n"
                 % (binary, self.binary, binary, self.binary))
    os.chmod(self.binary, 0o755)

  def write_workers(self, number):
    with open(self.binary + ".workers", "w", encoding="ascii") as file:
      file.write("%d" % number)

  def test_no_connection_is_lost(self):
    with hammering(self.weir):
      for workers in (1, 3, 2, 4):
        old = self.pid()
        self.write_workers(workers)
        self.upgrade()
        self.wait_gone(old)
        self.assertEqual(self.weir.stat("server.concurrency"), workers)


if __name__ == "__main__":
  harness.main()
