"""Weir under systemd: what it is notified of, and sockets that are not its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import harness
from harness import Backend, cluster, config, listener, wait_until
from service import Service

WORKERS = 2


class ServiceTest(unittest.TestCase):

  def setUp(self):
    self.directory = tempfile.mkdtemp(prefix="weir-service-test-")
    self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
    self.backend = Backend()
    self.addCleanup(self.backend.stop)
    self.config_path = self.path("weir.yaml")

  def path(self, name):
    return os.path.join(self.directory, name)

  def write(self, *listeners, admin="unix:%s", clusters=None, **keys):
    if "%s" in admin:
      admin %= self.path("admin")
    made = config(list(listeners), clusters or [cluster("app", self.backend.address)],
                  admin={"address": admin, "allow_mutations": True}, **keys)
    with open(self.config_path + ".new", "w", encoding="utf-8") as file:
      file.write(json.dumps(made))
    os.rename(self.config_path + ".new", self.config_path)

  def service(self, sockets=(), options=(), environment=(), own_sockets=True):
    command = [harness.BINARY, "-c", self.config_path, "--concurrency", str(WORKERS), "--plugin-path", harness.PLUGINS, *options]
    service = Service(command, sockets, environment, own_sockets)
    self.addCleanup(shutil.rmtree, service.directory, ignore_errors=True)
    self.addCleanup(service.close)
    return service

  def ready(self, service, count=1):
    pid, message = service.notifications.wait("READY", count)
    self.assertEqual(message["READY"], "1")
    return pid, message


def free_port():
  with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    return probe.getsockname()[1]


class Notified(ServiceTest):

  def start(self, *options, **keys):
    self.port = free_port()
    self.write(listener("main", address="127.0.0.1:%d" % self.port))
    service = self.service(options=options, **keys)
    service.addresses.update(main=("127.0.0.1", self.port), admin=self.path("admin"))
    return service.start()

  def test_ready_is_said_once_every_listener_accepts(self):
    service = self.start()
    pid, message = self.ready(service)
    # With the first try: nothing is waited for.
    self.assertEqual(service.get("main", "/x").body, b"/x")
    self.assertEqual(service.get("admin", "/ready").status, 200)
    self.assertEqual((pid, message["STATUS"]), (service.process.pid, "serving"))
    self.assertEqual(service.stop(), 0)
    self.assertEqual(service.notifications.names(), ["READY", "STOPPING"])

  def test_it_is_not_ready_while_clusters_wait_for_their_names(self):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:  # a DNS server that never answers
      silent.bind(("127.0.0.1", 0))
      silent.settimeout(harness.DEADLINE)
      self.write(listener("main"), limits={"dns_warm_timeout": "1h"},
                 clusters=[cluster("app", "somewhere.test:80", type="STRICT_DNS",
                                   dns_resolvers=["127.0.0.1:%d" % silent.getsockname()[1]])])
      service = self.service().start()
      silent.recv(512)
      self.assertEqual(service.notifications.names(), [])
      self.assertEqual(service.stop(), 0)
      self.assertNotIn("READY", service.notifications.names())

  def test_a_reload_that_is_asked_for_while_names_are_looked_up_comes_after_them(self):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
      silent.bind(("127.0.0.1", 0))
      silent.settimeout(harness.DEADLINE)
      clusters = [cluster("app", "somewhere.test:80", type="STRICT_DNS",
                          dns_resolvers=["127.0.0.1:%d" % silent.getsockname()[1]])]
      self.write(listener("main"), clusters=clusters, limits={"dns_warm_timeout": "2s"})
      service = self.service().start()
      silent.recv(512)
      self.write(listener("main", server_name="changed"), clusters=clusters, limits={"dns_warm_timeout": "2s"})
      service.signal(signal.SIGHUP)
      self.ready(service, 2)
      self.assertEqual(service.notifications.names(), ["READY", "RELOADING", "READY"])
      self.assertEqual(service.stop(), 0)
      self.assertIn("listener main: changed", service.log())

  def test_a_stop_does_not_wait_for_a_reload_that_waits_for_names(self):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
      silent.bind(("127.0.0.1", 0))
      silent.settimeout(harness.DEADLINE)
      service = self.start("--drain-time", "1s")
      self.ready(service)
      self.write(listener("main", address="127.0.0.1:%d" % self.port), limits={"dns_warm_timeout": "1h"},
                 clusters=[cluster("app", "somewhere.test:80", type="STRICT_DNS",
                                   dns_resolvers=["127.0.0.1:%d" % silent.getsockname()[1]])])
      client = service.connect("admin")
      client.send(harness.request("/reload", [("content-length", "0")], method="POST"))
      silent.recv(512)
      service.signal(signal.SIGTERM)
      # The order waits for its answer twice as long.
      self.assertEqual(service.process.wait(harness.DEADLINE / 2), 0)
      client.close()

  def test_a_configuration_with_mistakes_never_gets_ready(self):
    self.write(listener("main", adress=1))
    service = self.service().start()
    self.assertEqual(service.wait_exit(), 1)
    self.assertEqual(service.notifications.names(), [])
    self.assertIn("adress", service.log())

  def test_a_stop_is_said_at_once_with_the_time_that_it_may_take(self):
    service = self.start("--drain-delay", "1ms", "--drain-time", "90s")
    self.ready(service)
    client = service.connect("main")
    client.send(harness.request()).response()
    service.signal(signal.SIGTERM)
    _, message = service.notifications.wait("STOPPING")
    self.assertEqual(message, {"STOPPING": "1", "STATUS": "draining", "EXTEND_TIMEOUT_USEC": "95001000"})
    client.close()
    self.assertEqual(service.wait_exit(), 0)

  def reload_by_signal(self, service):
    service.signal(signal.SIGHUP)

  def reload_by_order(self, service):
    service.get("admin", "/reload", "POST", b"")

  def reloads(self, service, ask):
    """A reload that changes something, one that changes nothing, and one that fails."""
    expected = ["READY"]
    number = 1
    changed = listener("main", address="127.0.0.1:%d" % self.port, server_name="changed")
    for listeners, status in (((changed, listener("more")), "serving"), ((changed,), "serving"),
                              ((listener("main", adress=1),), "serving; the last reload failed"), ((changed,), "serving")):
      self.write(*listeners)
      ask(service)
      number += 1
      _, message = self.ready(service, number)
      self.assertEqual(message["STATUS"], status)
      expected += ["RELOADING", "READY"]
      self.assertEqual(service.notifications.names(), expected)
      self.assertGreater(int(service.notifications.all("RELOADING")[-1][1]["MONOTONIC_USEC"]), 0)
    self.assertEqual(service.get("main", "/x").body, b"/x")
    self.assertEqual(service.stop(), 0)

  def test_a_reload_by_a_signal_is_said_before_and_after(self):
    service = self.start()
    self.ready(service)
    self.reloads(service, self.reload_by_signal)

  def test_a_reload_by_an_order_is_said_before_and_after(self):
    service = self.start()
    self.ready(service)
    self.reloads(service, self.reload_by_order)

  def test_a_reload_by_a_changed_file_is_said_before_and_after(self):
    service = self.start("--watch")
    self.ready(service)
    self.reloads(service, lambda _: None)

  def test_the_watchdog_hears_of_it_until_the_end(self):
    service = self.start(environment={"WATCHDOG_USEC": "200000"})
    self.ready(service)
    wait_until(lambda: len(service.notifications.alive) >= 3, "the watchdog")
    client = service.connect("main")
    client.send(harness.request()).response()
    service.signal(signal.SIGTERM)
    service.notifications.wait("STOPPING")
    draining = len(service.notifications.alive)
    wait_until(lambda: len(service.notifications.alive) >= draining + 3, "the watchdog while it drains")
    self.assertEqual(set(service.notifications.alive), {service.process.pid})
    client.close()
    self.assertEqual(service.wait_exit(), 0)

  def test_a_watchdog_of_another_process_is_not_its_own(self):
    service = self.start(environment={"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
    self.ready(service)
    self.assertEqual(service.get("main", "/x").body, b"/x")
    self.assertEqual(service.stop(), 0)
    self.assertEqual(service.notifications.alive, [])


class Looked(ServiceTest):

  def test_who_only_looks_at_a_configuration_makes_no_log_of_the_service(self):
    self.write(listener("main", access_log=self.path("access.log")))
    for words in (["validate", self.config_path], ["plugins", "-c", self.config_path],
                  ["explain", "-c", self.config_path, "/", "-H", "host: a"]):
      done = subprocess.run([harness.BINARY, *words, "--plugin-path", harness.PLUGINS], capture_output=True, text=True,
                            timeout=harness.DEADLINE, check=False)
      self.assertEqual(done.returncode, 0, done.stderr)
      self.assertFalse(os.path.exists(self.path("access.log")), words)
    self.write(listener("main", access_log=self.path("nowhere/access.log")))
    done = subprocess.run([harness.BINARY, "validate", self.config_path, "--plugin-path", harness.PLUGINS], capture_output=True,
                          text=True, timeout=harness.DEADLINE, check=False)
    self.assertEqual(done.returncode, 1)
    self.assertIn("nowhere/access.log", done.stderr)


class Activated(ServiceTest):
  """Sockets that somebody else has bound: they are found by name or address, and outlive the process."""

  def start(self, *options):
    self.write(listener("web", address="127.0.0.1:1"), listener("local", address="unix:" + self.path("elsewhere")),
               admin="127.0.0.1:2")
    service = self.service({"web": ("127.0.0.1", 0), "local": self.path("local"), "admin": ("127.0.0.1", 0)}, options)
    return service.start()

  def check_served(self, service):
    for name in ("web", "local"):
      self.assertEqual(service.get(name, "/" + name).body, b"/" + name.encode())
    self.assertEqual(service.get("admin", "/ready").body, b"LIVE\n")

  def test_systemd_s_own_program_starts_it_with_the_first_connection(self):
    self.write(listener("web", address="127.0.0.1:1"), listener("local", address="unix:" + self.path("elsewhere")),
               admin="127.0.0.1:2")
    service = self.service({"web": ("127.0.0.1", free_port()), "local": self.path("local"),
                            "admin": ("127.0.0.1", free_port())}, own_sockets=False).activate()
    wait_until(lambda: "Listening on" in service.log() and os.path.exists(self.path("local")), service.log)
    self.assertEqual(service.notifications.names(), [])
    client = wait_until(lambda: self.try_connect(service), service.log)
    self.addCleanup(client.close)
    self.assertEqual(client.send(harness.request("/first")).response().body, b"/first")
    self.assertEqual(self.ready(service)[0], service.process.pid)
    self.check_served(service)
    client.close()
    self.assertEqual(service.stop(), 0)
    self.assertEqual(service.notifications.names(), ["READY", "STOPPING"])
    self.assertTrue(os.path.exists(self.path("local")))

  @staticmethod
  def try_connect(service):
    try:
      return service.connect("web")
    except ConnectionRefusedError:
      return None

  def test_sockets_are_found_by_name_and_nothing_else_is_bound(self):
    service = self.start()
    self.ready(service)
    self.check_served(service)
    self.assertFalse(os.path.exists(self.path("elsewhere")))
    self.assertEqual(service.stop(), 0)

  def test_sockets_are_found_by_address(self):
    with socket.socket() as bound:
      bound.bind(("127.0.0.1", 0))
      address = bound.getsockname()
    self.write(listener("web", address="%s:%d" % address))
    service = self.service({"unknown": address}).start()
    self.ready(service)
    self.assertEqual(service.get("unknown", "/x").body, b"/x")
    self.assertEqual(service.stop(), 0)

  def test_a_port_of_both_families_is_for_a_listener_of_either(self):
    with socket.socket(socket.AF_INET6) as bound:
      bound.bind(("::", 0))
      port = bound.getsockname()[1]
    self.write(listener("web", address="0.0.0.0:%d" % port))
    service = self.service({"unit": ("::", port)}).start()
    self.ready(service)
    for address in (("127.0.0.1", port), ("::1", port)):
      service.addresses["web"] = address
      self.assertEqual(service.get("web", "/x").body, b"/x")
    self.assertEqual(service.stop(), 0)

  def test_a_socket_that_no_listener_wants_is_named_in_the_log(self):
    self.write(listener("web", address="127.0.0.1:1"))
    service = self.service({"web": ("127.0.0.1", 0), "stray": ("127.0.0.1", 0)}).start()
    self.ready(service)
    wait_until(lambda: "given as stray" in service.log(), service.log)
    self.assertEqual(service.get("web", "/x").body, b"/x")
    self.assertEqual(service.stop(), 0)

  def test_who_comes_between_two_processes_waits_for_the_second(self):
    service = self.start()
    self.ready(service)
    self.check_served(service)
    self.assertEqual(service.stop(), 0)
    waiting = [service.connect(name).send(harness.request("/waited")) for name in ("web", "local")]
    service.start()
    for client in waiting:
      self.addCleanup(client.close)
      self.assertEqual(client.response().body, b"/waited")
    self.check_served(service)
    for client in waiting:
      client.close()
    self.assertEqual(service.stop(), 0)

  def test_restarts_under_load_lose_no_connection(self):
    service = self.start()
    over = threading.Event()
    failures, served = [], []

    def ask(name):
      while not over.is_set():
        try:
          if service.get(name, "/x").body == b"/x":
            served.append(name)
          else:
            failures.append("another answer")
        except (OSError, AssertionError) as error:
          failures.append(repr(error))
    threads = [threading.Thread(target=ask, args=(name,), daemon=True) for name in ("web", "local")]
    for thread in threads:
      thread.start()
    try:
      for _ in range(3):
        before = len(served)
        wait_until(lambda: len(served) > before + 20 or failures, service.log)  # pylint: disable=cell-var-from-loop
        self.assertEqual(service.stop(), 0)
        service.start()
      before = len(served)
      wait_until(lambda: len(served) > before + 20 or failures, service.log)
    finally:
      over.set()
      for thread in threads:
        thread.join(harness.DEADLINE)
    self.assertEqual(failures, [])
    self.assertEqual(service.stop(), 0)

  def test_they_stay_systemd_s_through_a_reload(self):
    service = self.start()
    self.ready(service)
    self.write(listener("web", address="127.0.0.1:1", server_name="changed"), admin="127.0.0.1:2")
    service.signal(signal.SIGHUP)
    self.ready(service, 2)
    self.assertEqual(service.get("web", "/x").body, b"/x")
    self.assertEqual(service.stop(), 0)
    self.assertTrue(os.path.exists(self.path("local")))


class Replaced(ServiceTest):
  """`weir upgrade` under systemd, which must learn whom to watch."""

  def test_the_old_process_says_who_is_the_main_one_and_nobody_removes_systemd_s_file(self):
    self.write(listener("web", address="127.0.0.1:1"), listener("local", address="unix:" + self.path("elsewhere")),
               admin="127.0.0.1:2")
    pid_file = self.path("pid")
    service = self.service({"web": ("127.0.0.1", 0), "local": self.path("local"), "admin": ("127.0.0.1", 0)},
                           ["--pid-file", pid_file], {"WATCHDOG_USEC": "200000"}).start()
    self.ready(service)
    old = service.process.pid
    service.signal(signal.SIGUSR2)
    sender, message = service.notifications.wait("MAINPID")
    new = int(message["MAINPID"])
    self.addCleanup(self.end, new)
    self.assertEqual((sender, message), (old, {"MAINPID": str(new), "READY": "1", "STATUS": "serving"}))
    self.assertEqual(service.wait_exit(), 0)
    # Only the main process is heard, and that was the old one until now.
    self.assertEqual({pid for pid, _ in service.notifications.messages}, {old})
    self.assertEqual(service.notifications.names(), ["READY", "MAINPID", "READY"])
    wait_until(lambda: new in service.notifications.alive, "the watchdog of the new process")
    for name in ("web", "local"):
      self.assertEqual(service.get(name, "/" + name).body, b"/" + name.encode())
    os.kill(new, signal.SIGTERM)
    sender, _ = service.notifications.wait("STOPPING")
    self.assertEqual(sender, new)
    wait_until(lambda: not os.path.exists(pid_file), service.log)
    wait_until(lambda: self.gone(new), service.log)
    self.assertTrue(os.path.exists(self.path("local")))
    # The next one finds them too.
    service.notifications.messages.clear()
    service.start()
    self.ready(service)
    self.assertEqual(service.get("local", "/again").body, b"/again")
    self.assertEqual(service.stop(), 0)

  @staticmethod
  def gone(pid):
    try:
      with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
      return True

  def end(self, pid):
    if not self.gone(pid):
      os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
  harness.main()
