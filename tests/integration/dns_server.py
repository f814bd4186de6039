"""A real DNS server (dnsmasq) on a port of its own, whose answers change when a test says so."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import HarnessError, wait_until

PATHS = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def free_port():
  """A port that is free for UDP and TCP now."""
  while True:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
      udp.bind(("127.0.0.1", 0))
      try:
        tcp.bind(("127.0.0.1", udp.getsockname()[1]))
      except OSError:
        continue
      return udp.getsockname()[1]


class DnsServer:
  """Knows nothing but what set() says; every other name of .test does not exist."""

  def __init__(self, ttl=60):
    self.program = shutil.which("dnsmasq", path=PATHS)
    if self.program is None:
      raise HarnessError("dnsmasq is not there: it is Debian's dnsmasq-base")
    self.directory = tempfile.mkdtemp(prefix="weir-dns-")
    self.hosts = os.path.join(self.directory, "hosts")
    self.ttl = ttl
    self.services = []
    self.process = None
    self.port = free_port()
    self.address = "127.0.0.1:%d" % self.port
    self.set()

  def set(self, **names):
    """Addresses by name, without ".test": set(web=["127.0.0.1"])."""
    lines = ["%s %s.test\n" % (address, name) for name, addresses in names.items() for address in addresses]
    with open(self.hosts + ".new", "w", encoding="ascii") as file:
      file.writelines(lines)
    os.rename(self.hosts + ".new", self.hosts)
    if self.process is not None:
      self.process.send_signal(signal.SIGHUP)

  def set_services(self, *services):
    """SRV records: (name, target, port, priority, weight). The server starts anew for them."""
    self.services = services
    if self.process is not None:
      self.stop()
      self.start()

  def start(self):
    # It is the port of no other program: whoever took it meanwhile would make the start fail.
    command = [self.program, "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file=",
               "--listen-address=127.0.0.1", "--bind-interfaces", "--port=%d" % self.port, "--local=/test/",
               "--addn-hosts=" + self.hosts, "--local-ttl=%d" % self.ttl, "--log-facility=-", "--cache-size=0"]
    if os.getuid() == 0:
      command.append("--user=root")
    for name, target, port, priority, weight in self.services:
      command.append("--srv-host=%s,%s,%d,%d,%d" % (name, target, port, priority, weight))
    log_path = os.path.join(self.directory, "log")
    with open(log_path, "wb") as log:
      self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def serves():
      if self.process.poll() is not None:
        with open(log_path, encoding="utf-8", errors="replace") as file:
          raise HarnessError("dnsmasq ended: " + file.read())
      with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", self.port)) == 0
    wait_until(serves, "dnsmasq to serve")
    return self

  def stop(self):
    if self.process is not None:
      self.process.terminate()
      self.process.wait()
      self.process = None

  def remove(self):
    self.stop()
    shutil.rmtree(self.directory, ignore_errors=True)
