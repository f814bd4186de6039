"""The installed service: its units as systemd reads them, and the program as the unit starts it, from a root of its own, by a
user without rights, with sockets of systemd's own program and a NOTIFY_SOCKET of the test's."""

import glob
import os
import re
import shlex
import shutil
import signal
import socket
import tempfile
import unittest

import packages
from packages import SCRATCH, Root, harness, run
from service import Service

ROOT = None
SYSTEM = "lib/systemd/system"
# Of systemd-analyze: 0 is no exposure at all, 10 all of it. A service without any hardening has 9.6.
MOST_EXPOSURE = 2.0
wait_until = harness.wait_until


def setUpModule():
  global ROOT
  ROOT = Root()
  ROOT.dpkg("-i", packages.make()["weir"])


def setting(name, section="Service"):
  """All values of a key of weir.service, in order."""
  text = ROOT.read(SYSTEM, "weir.service").partition("[%s]\n" % section)[2].partition("\n[")[0]
  return re.findall(r"(?m)^%s=(.*)$" % name, text)


class Units(unittest.TestCase):

  @classmethod
  def setUpClass(cls):
    # A whole system as far as units go, so that nothing of them has to be changed for the check.
    cls.root = tempfile.mkdtemp(prefix="units-", dir=SCRATCH.name)
    shutil.copytree("/lib/systemd/system", os.path.join(cls.root, SYSTEM), symlinks=True)
    for path in glob.glob(ROOT(SYSTEM, "*")):
      shutil.copy(path, os.path.join(cls.root, SYSTEM))
    for program in ("usr/bin/weir", "bin/sh"):
      os.makedirs(os.path.join(cls.root, os.path.dirname(program)), exist_ok=True)
      shutil.copy("/" + program if program != "usr/bin/weir" else ROOT(program), os.path.join(cls.root, program))

  def verify(self, *units):
    done = run("systemd-analyze", "--root=" + self.root, "verify", "--man=no", *units, check=False)
    # Units of the machine itself may have their faults.
    return done.returncode, [line for line in done.stdout.splitlines() if "weir" in line]

  def test_systemd_has_nothing_to_say_against_them(self):
    for unit in ("weir.service", "weir.socket"):
      self.assertEqual(self.verify(unit), (0, []))

  def test_systemd_would_have(self):
    path = os.path.join(self.root, SYSTEM, "weir-wrong.service")
    with open(path, "w", encoding="utf-8") as file:
      file.write(ROOT.read(SYSTEM, "weir.service").replace("/usr/bin/weir", "/usr/bin/weird").replace("UMask=", "UMaks="))
    self.addCleanup(os.unlink, path)
    code, said = self.verify("weir-wrong.service")
    self.assertNotEqual(code, 0)
    self.assertIn("UMaks", "".join(said))

  def test_the_service_is_little_exposed(self):
    said = run("systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=%d" % (MOST_EXPOSURE * 10),
               ROOT(SYSTEM, "weir.service"))
    print("\n" + said.splitlines()[-1].strip(), flush=True)

  def test_it_runs_nothing_that_a_system_may_be_without(self):
    for name in ("ExecStartPre", "ExecStart", "ExecReload"):
      for line in setting(name):
        program = line.split()[0]
        if program != "/usr/bin/weir":
          owner = run("dpkg-query", "-S", program).splitlines()[-1].split(":")[0]
          self.assertEqual(run("dpkg-query", "-W", "-f", "${Essential}", owner), "yes", program)

  def test_a_stop_has_more_time_than_a_drain(self):
    self.assertGreater(int(setting("TimeoutStopSec")[0].rstrip("s")), 30)  # the default of --drain-time

  def test_the_socket_is_for_a_listener_of_the_configuration(self):
    text = ROOT.read(SYSTEM, "weir.socket")
    name, address = (re.search(r"(?m)^%s=(.*)$" % key, text).group(1) for key in ("FileDescriptorName", "ListenStream"))
    self.assertRegex(ROOT.read("etc/weir/weir.yaml"), r"- name: %s\n\s+address: %s\n" % (name, re.escape(address)))


def command(line):
  """A command of the unit, as it is in this root, for a process that has no rights whatever the test has."""
  words = shlex.split(line)
  words = [word.replace("/usr/bin/", ROOT("usr/bin/")).replace("/etc/", ROOT("etc/")) for word in words if not word.startswith("$")]
  if os.getuid() == 0:
    words = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
             "--inh-caps=-all", *words]
  return words


def free_port():
  with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    return probe.getsockname()[1]


class Running(unittest.TestCase):
  """With the configuration of the package, whose listeners are found by name."""

  def setUp(self):
    self.run_directory = tempfile.mkdtemp(prefix="run-", dir=SCRATCH.name)
    os.chmod(self.run_directory, 0o777)
    self.start = [word.replace("/run/weir", self.run_directory) for word in command(setting("ExecStart")[0])]
    sockets = {"http": ("127.0.0.1", free_port()), "admin": ("127.0.0.1", free_port())}
    self.service = Service(self.start, sockets, own_sockets=False)
    os.chmod(self.service.directory, 0o755)
    os.chmod(self.service.notifications.path, 0o777)
    self.addCleanup(shutil.rmtree, self.service.directory, ignore_errors=True)
    self.addCleanup(self.service.close)

  def url(self, name):
    return "http://%s:%d/" % self.service.addresses[name]

  def curl(self, url):
    return run("curl", "-q", "-sS", "--fail-with-body", "--max-time", str(int(harness.DEADLINE)), "--retry-connrefused", "--retry",
               "5", url)

  def activate(self):
    self.service.activate()
    wait_until(lambda: "Listening on" in self.service.log(), self.service.log)
    self.assertIn("Weir runs", self.curl(self.url("http")))
    self.assertEqual(self.service.notifications.wait("READY")[0], self.service.process.pid)

  def status(self, name, pid=None):
    with open("/proc/%d/status" % (pid or self.service.process.pid), encoding="ascii") as file:
      return re.search(r"(?m)^%s:\s*(.*)$" % name, file.read()).group(1)

  def test_what_the_unit_runs_before_takes_the_configuration_of_the_package(self):
    for name in ("ExecStartPre", "ExecReload"):
      self.assertIn("no mistakes", run(*command(setting(name)[0])))
    self.assertEqual(setting("ExecReload")[1], "/bin/sh -c 'kill -HUP $MAINPID'")

  def test_a_reload_of_a_file_with_mistakes_fails_before_anything_is_signalled(self):
    wrong = os.path.join(self.run_directory, "wrong.yaml")
    with open(wrong, "w", encoding="utf-8") as file:
      file.write(ROOT.read("etc/weir/weir.yaml").replace("listeners:", "listenres:"))
    done = run(*[wrong if word.endswith("weir.yaml") else word for word in command(setting("ExecReload")[0])], check=False)
    self.assertEqual(done.returncode, 1)
    self.assertIn("listenres", done.stdout)
    self.assertIn("1", setting("RestartPreventExitStatus")[0].split())

  def test_the_first_connection_starts_it_and_a_stop_drains_it(self):
    self.activate()
    self.assertEqual(self.curl(self.url("admin") + "ready"), "LIVE\n")
    self.assertEqual(self.service.stop(), 0)
    self.assertEqual(self.service.notifications.names(), ["READY", "STOPPING"])
    self.assertFalse(os.listdir(self.run_directory))

  def test_it_needs_no_rights_and_finds_the_plugins_of_the_package(self):
    self.activate()
    if os.getuid() == 0:
      self.assertEqual(self.status("Uid").split(), ["65534"] * 4)
      self.assertEqual(int(self.status("CapEff"), 16), 0)
    with open("/proc/%d/maps" % self.service.process.pid, encoding="utf-8") as file:
      maps = file.read()
    self.assertIn(os.path.realpath(ROOT("usr/lib/weir/plugins/h1.so")), maps)
    self.assertNotIn(packages.BUILD, maps)
    self.assertEqual(self.service.stop(), 0)

  def test_a_reload_is_said_before_and_after(self):
    self.activate()
    self.service.signal(signal.SIGHUP)
    self.service.notifications.wait("READY", 2)
    self.assertEqual(self.service.notifications.names(), ["READY", "RELOADING", "READY"])
    self.assertIn("Weir runs", self.curl(self.url("http")))
    self.assertEqual(self.service.stop(), 0)

  def test_an_upgrade_makes_another_process_the_main_one(self):
    self.activate()
    old = self.service.process.pid
    upgrade = command("/usr/bin/weir upgrade --pid-file " + os.path.join(self.run_directory, "weir.pid"))
    said = run(*upgrade)
    new = int(self.service.notifications.wait("MAINPID")[1]["MAINPID"])
    self.assertEqual(said, "process %d serves, process %d drains\n" % (new, old))
    try:
      self.assertEqual(self.service.wait_exit(), 0)
      self.assertIn("Weir runs", self.curl(self.url("http")))
    finally:
      os.kill(new, signal.SIGTERM)
    self.assertEqual(self.service.notifications.wait("STOPPING")[0], new)
    wait_until(lambda: not os.listdir(self.run_directory), self.service.log)


CONFIG = """
admin: { address: "127.0.0.1:${ADMIN}", allow_mutations: true }
listeners:
  - name: http
    address: 127.0.0.1:${HTTP}
    http:
      access_log: ${DIRECTORY}/access.log
      routes:
        - match: { safe_regex: { regex: "/regex/[a-z]+" } }
          direct_response: { status: 200, body: matched }
        - { match: { path: /ready }, route: { cluster: named, host_rewrite_literal: localhost } }
        - { match: { prefix: / }, route: { cluster: local } }
  - name: tls
    address: 127.0.0.1:${TLS}
    tls: { certificates: [{ cert: "${DIRECTORY}/cert.pem", key: "${DIRECTORY}/key.pem" }] }
    http:
      routes: [{ match: { prefix: / }, direct_response: { status: 200, body: secret } }]
  - name: local
    address: unix:${DIRECTORY}/local
    http:
      http_filters: [{ name: compressor, typed_config: { libraries: [zstd, br, gzip] } }, { name: mux }]
      routes: [{ match: { prefix: / }, direct_response: { status: 200, body: local } }]
clusters:
  - { name: local, endpoints: ["unix:${DIRECTORY}/local"] }
  - { name: named, type: STRICT_DNS, endpoints: ["localhost:${ADMIN}"] }
"""


class Sandbox(unittest.TestCase):
  """What the unit forbids is nothing that the program does in a life of starts, requests, reloads, an upgrade and a drain. (The
  sandbox itself is systemd's, and there may be none here that is in charge.)"""

  @classmethod
  def setUpClass(cls):
    cls.directory = tempfile.mkdtemp(prefix="sandbox-", dir=SCRATCH.name)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
        "/CN=localhost", "-keyout", cls.directory + "/key.pem", "-out", cls.directory + "/cert.pem")
    cls.ports = {name: free_port() for name in ("HTTP", "TLS", "ADMIN")}
    cls.config = os.path.join(cls.directory, "weir.yaml")
    with open(cls.config, "w", encoding="utf-8") as file:
      file.write(CONFIG)
    for name in os.listdir(cls.directory):
      os.chmod(os.path.join(cls.directory, name), 0o644)
    os.chmod(cls.directory, 0o777)
    cls.trace = os.path.join(cls.directory, "trace")
    cls.live()

  @classmethod
  def live(cls):
    words = command("/usr/bin/weir -c %s --pid-file %s/pid --watch --concurrency 2" % (cls.config, cls.directory))
    at = words.index(ROOT("usr/bin/weir"))
    environment = {"DIRECTORY": cls.directory, "WATCHDOG_USEC": "200000", **{name: str(port) for name, port in cls.ports.items()}}
    service = Service(words[:at] + ["strace", "-f", "-qq", "-o", cls.trace] + words[at:], environment=environment)
    cls.addClassCleanup(shutil.rmtree, service.directory, ignore_errors=True)
    cls.addClassCleanup(service.close)
    os.chmod(service.directory, 0o755)
    os.chmod(service.notifications.path, 0o777)
    service.start()
    notes = service.notifications
    wait_until(lambda: notes.all("READY") or service.process.poll() is not None, service.log)
    assert service.process.poll() is None, service.log()
    old, _ = notes.wait("READY")
    cls.ask()
    for count, number in enumerate((signal.SIGHUP, signal.SIGUSR1, signal.SIGHUP), 2):
      os.kill(old, number)
      if number == signal.SIGHUP:
        notes.wait("READY", count if count == 2 else 3)
    with open(cls.config + ".new", "w", encoding="utf-8") as file:
      file.write(CONFIG.replace("matched", "matched again"))
    os.chmod(cls.config + ".new", 0o644)
    os.rename(cls.config + ".new", cls.config)
    notes.wait("READY", 4)
    cls.ask()
    os.kill(old, signal.SIGUSR2)
    new = int(notes.wait("MAINPID")[1]["MAINPID"])
    cls.ask()
    os.kill(new, signal.SIGTERM)
    service.wait_exit()
    with open(cls.trace, encoding="utf-8", errors="replace") as file:
      cls.lines = [line.split(None, 1)[1] for line in file if " " in line]

  @classmethod
  def ask(cls):
    curl = ("curl", "-q", "-sS", "--fail", "--max-time", str(int(harness.DEADLINE)))
    http = "http://127.0.0.1:%d" % cls.ports["HTTP"]
    for more in ((http + "/regex/a",), (http + "/ready",), (http + "/",), ("--http2-prior-knowledge", http + "/"),
                 ("-k", "--http2", "https://127.0.0.1:%d/" % cls.ports["TLS"]),
                 ("http://127.0.0.1:%d/memory" % cls.ports["ADMIN"],), ("http://127.0.0.1:%d/" % cls.ports["ADMIN"],),
                 ("--compressed", "--unix-socket", cls.directory + "/local", "http://localhost/")):
      run(*curl, *more)

  def made(self):
    return {match.group(1) for match in (re.match(r"(\w+)\(", line) for line in self.lines) if match}

  @classmethod
  def calls(cls, group):
    """Of a set as systemd knows it."""
    found, wanted = set(), [group]
    while wanted:
      for line in run("systemd-analyze", "--no-pager", "syscall-filter", wanted.pop()).splitlines():
        name = line.strip()
        if name.startswith("@") and not line.startswith("@"):
          wanted.append(name)
        elif name and not name.startswith(("#", "@")):
          found.add(name)
    return found

  def test_it_allows_every_system_call_that_was_made(self):
    allowed = set()
    for value in setting("SystemCallFilter"):
      for group in value.lstrip("~").split():
        calls = self.calls(group)
        self.assertGreater(len(calls), 0, group)
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    made = self.made()
    self.assertTrue({"execve", "epoll_wait", "sendmsg", "accept4"} <= made, made)
    self.assertEqual(made - allowed, set())
    self.assertFalse({"mount", "ptrace", "setuid", "reboot"} & allowed)

  def test_it_allows_every_family_of_sockets_that_was_used(self):
    used = set(re.findall(r"^socket\((\w+),", "\n".join(self.lines), re.MULTILINE))
    self.assertTrue({"AF_INET", "AF_UNIX"} <= used, used)
    self.assertEqual(used - set(setting("RestrictAddressFamilies")[0].split()), set())

  def test_no_memory_was_to_be_written_and_run(self):
    self.assertEqual(setting("MemoryDenyWriteExecute"), ["yes"])
    maps = [line for line in self.lines if re.match(r"(mmap|mprotect|pkey_mprotect)\(", line) and "PROT_EXEC" in line]
    self.assertGreater(len(maps), 5)
    self.assertEqual([line for line in maps if "PROT_WRITE" in line or not line.startswith("mmap(")], [])

  def test_nothing_was_opened_for_writing_but_what_it_was_told_to(self):
    opened = {match.group(1) for match in (re.match(r'(?:openat|open|creat)\((?:AT_FDCWD, )?"([^"]+)", [^)]*O_(?:WRONLY|RDWR)', line)
                                           for line in self.lines) if match}
    self.assertIn(self.directory + "/access.log", opened)
    self.assertEqual({path for path in opened if not path.startswith(self.directory)} - {"/dev/null"}, set())


if __name__ == "__main__":
  harness.main()
