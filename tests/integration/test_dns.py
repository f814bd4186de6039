"""Clusters whose endpoints come out of DNS: a real server changes its answers, under load too, and no request is lost."""

import collections
import json
import shutil
import signal
import socket
import subprocess
import threading
import unittest

import harness
from dns_server import DnsServer
from harness import Backend, WeirTest, cluster, config, listener, ok, request, route, wait_until

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


def backends_on_one_port(hosts=HOSTS):
  """A name has addresses, and its endpoint one port for all of them."""
  while True:
    made = []
    port = 0
    try:
      for host in hosts:
        made.append(Backend(socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port)))
        port = int(made[0].address.rpartition(":")[2])
      return made, port
    except OSError:
      for backend in made:
        backend.stop()


class Dns(WeirTest):
  """The name web.test, and a cluster `app` that looks it up every 50 ms."""

  hosts = HOSTS
  at_start = {"web": HOSTS[:1]}
  type = "STRICT_DNS"
  keys = {}
  limits = {}
  ttl = 60
  expect_warnings = ("lookup of ",)

  @classmethod
  def endpoint(cls):
    return "web.test:%d" % cls.port

  @classmethod
  def services(cls):
    return ()

  @classmethod
  def start_dns(cls):
    cls.dns.start()

  @classmethod
  def make_config(cls):
    keys = dict(type=cls.type, dns_refresh_rate="0.05s", dns_resolvers=[cls.dns.address])
    keys.update(cls.keys)
    made = config([listener("main", [route(timeout="0s")])], [cluster("app", cls.endpoint(), **keys)])
    if cls.limits:
      made["limits"] = cls.limits
    return made

  @classmethod
  def setUpClass(cls):
    cls.servers, cls.port = backends_on_one_port(cls.hosts)
    cls.dns = DnsServer(cls.ttl)
    cls.addClassCleanup(cls.dns.remove)
    cls.dns.set(**cls.at_start)
    cls.dns.set_services(*cls.services())
    cls.start_dns()
    super().setUpClass()
    cls.backends.extend(cls.servers)

  def setUp(self):
    super().setUp()
    for number, server in enumerate(self.servers):
      server.answer = lambda seen, number=number: ok(b"%d" % number)

  def stat(self, name):
    return self.weir.stat("cluster.app." + name)

  def change(self, *addresses, name="web"):
    """Other addresses; returns when Weir has them."""
    before = self.stat("membership_change")
    self.dns.set(**{name: addresses})
    wait_until(lambda: self.stat("membership_change") > before, lambda: "a change to %r: %s" % (addresses, self.weir.log()))

  def begin_with(self, *addresses):
    """The same, where they may be the present ones already."""
    self.dns.set(web=addresses)
    before = self.stat("update_success")
    # One lookup may have been under way.
    wait_until(lambda: self.stat("update_success") > before + 1, "two lookups")

  def ask(self, client):
    response = client.send(request()).response()
    self.assertEqual(response.status, 200, response)
    return int(response.body)

  def counts(self, requests, client=None):
    client = client or self.connect()
    return collections.Counter(self.ask(client) for _ in range(requests))


class StrictDns(Dns):

  def test_each_address_is_an_endpoint(self):
    self.begin_with(*HOSTS)
    self.assertEqual(self.stat("membership_total"), 3)
    self.assertEqual(self.stat("membership_healthy"), 3)
    self.assertEqual(self.counts(30), {0: 10, 1: 10, 2: 10})

  def test_the_next_answer_holds_for_the_next_request(self):
    self.begin_with(HOSTS[0])
    client = self.connect()
    self.assertEqual(self.ask(client), 0)
    self.change(HOSTS[1])
    # The workers hear of it a moment after the counter.
    wait_until(lambda: self.ask(client) == 1, "the new address")
    self.assertEqual(self.counts(10, client), {1: 10})
    self.change(*HOSTS[1:])
    wait_until(lambda: set(self.counts(4, client)) == {1, 2}, "both addresses")

  def test_connections_to_an_address_that_is_gone_are_closed(self):
    self.begin_with(HOSTS[0])
    self.assertEqual(self.counts(3), {0: 3})
    wires = list(self.servers[0].wires)
    self.assertTrue(wires)
    self.change(HOSTS[1])
    wait_until(lambda: all(getattr(wire, "done", False) for wire in wires), "their end")

  def test_connections_to_an_address_that_stays_are_kept(self):
    self.begin_with(HOSTS[0])
    client = self.connect()
    self.ask(client)
    made = len(self.servers[0].wires)
    self.change(HOSTS[0], HOSTS[1])
    wait_until(lambda: set(self.counts(4, client)) == {0, 1}, "both addresses")
    self.change(HOSTS[0])
    wait_until(lambda: set(self.counts(4, client)) == {0}, "the first address alone")
    self.assertEqual(len(self.servers[0].wires), made)

  def test_a_request_under_way_ends_where_it_is(self):
    self.begin_with(HOSTS[0])
    go = threading.Event()
    self.addCleanup(go.set)

    def script(wire):
      wire.request()
      go.wait(harness.DEADLINE)
      wire.send(ok(b"late"))
      wire.rest()
    self.servers[0].script = script
    client = self.connect()
    client.send(request())
    wait_until(lambda: self.servers[0].wires and self.servers[0].wires[0].received, "the request")
    self.change(HOSTS[1])
    other = self.connect()
    wait_until(lambda: self.ask(other) == 1, "the new address")
    go.set()
    self.assertEqual(client.response().body, b"late")
    wait_until(lambda: getattr(self.servers[0].wires[0], "done", False), "the end of its connection")

  def test_a_name_that_is_gone_keeps_its_last_addresses(self):
    self.begin_with(HOSTS[1])
    empty = self.stat("update_empty")
    self.dns.set()
    wait_until(lambda: self.stat("update_empty") > empty + 2, "empty answers")
    self.assertEqual(self.counts(5), {1: 5})
    self.assertEqual(self.stat("membership_total"), 1)
    self.change(HOSTS[2])

  def test_a_server_that_is_gone_keeps_the_last_addresses(self):
    self.begin_with(HOSTS[1])
    failed = self.stat("update_failure")
    self.dns.stop()
    try:
      wait_until(lambda: self.stat("update_failure") > failed + 2, "failures")
      self.assertEqual(self.counts(5), {1: 5})
    finally:
      self.dns.start()
    self.change(HOSTS[2])
    client = self.connect()
    wait_until(lambda: self.ask(client) == 2, "the new address")

  def test_more_addresses_than_a_datagram_holds(self):
    many = ["127.0.1.%d" % number for number in range(1, 101)]
    self.begin_with(HOSTS[0])
    self.change(*many)
    self.assertEqual(self.stat("membership_total"), 100)
    self.change(HOSTS[0])


class UnderLoad(Dns):
  concurrency = 2
  SETS = (HOSTS[:1], HOSTS[:2], HOSTS[1:], HOSTS[2:], HOSTS, (HOSTS[0], HOSTS[2]), HOSTS[1:2])

  def load(self, program, *options):
    client = shutil.which(program)
    if client is None:
      self.fail("%s is not there" % program)
    self.begin_with(*HOSTS)
    before = self.weir.stats()
    process = subprocess.Popen([client, *options, "http://%s/" % self.weir.addresses["main"]],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    self.addCleanup(process.stdout.close)
    changes = 0
    while process.poll() is None or changes < len(self.SETS):
      self.change(*self.SETS[changes % len(self.SETS)])
      changes += 1
    output = process.communicate(timeout=harness.DEADLINE)[0].decode()
    after = self.weir.stats()
    requests = after["http.main.downstream_rq_total"] - before["http.main.downstream_rq_total"]
    self.assertGreater(requests, 50, output)
    self.assertEqual(after["http.main.downstream_rq_5xx"], before["http.main.downstream_rq_5xx"], output)
    for name in ("upstream_cx_none_healthy", "upstream_cx_connect_fail"):
      self.assertEqual(after["cluster.app." + name], before["cluster.app." + name], output)
    return output

  def test_http1_clients_see_no_failure(self):
    output = self.load("wrk", "-t1", "-c8", "-d3s", "--timeout", "20s")
    self.assertNotIn("Non-2xx", output)
    self.assertNotIn("Socket errors", output)

  def test_http2_clients_see_no_failure(self):
    output = self.load("h2load", "-c4", "-m8", "-D3")
    self.assertRegex(output, r"(\d+) done, \1 succeeded, 0 failed, 0 errored, 0 timeout")
    self.assertRegex(output, r" 0 3xx, 0 4xx, 0 5xx")


class RespectTtl(Dns):
  ttl = 1
  keys = {"respect_dns_ttl": True, "dns_refresh_rate": "3600s"}

  def test_the_answers_time_to_live_says_when_to_ask_again(self):
    self.assertEqual(self.counts(3), {0: 3})
    self.change(HOSTS[1])
    client = self.connect()
    wait_until(lambda: self.ask(client) == 1, "the new address")


class Ipv6(Dns):
  hosts = ("::1",)
  at_start = {"web": ("::1",)}

  @classmethod
  def setUpClass(cls):
    with socket.socket(socket.AF_INET6) as probe:
      try:
        probe.bind(("::1", 0))
      except OSError:
        raise unittest.SkipTest("this machine has no IPv6")
    super().setUpClass()

  def test_a_name_with_an_ipv6_address_alone(self):
    self.assertEqual(self.counts(3), {0: 3})
    # The other family is preferred once it is there; and without it the first one is back.
    self.change("127.0.0.1", "::1")
    self.change("::1")
    client = self.connect()
    self.assertEqual(self.counts(3, client), {0: 3})


class LogicalDns(Dns):
  type = "LOGICAL_DNS"

  def test_new_connections_go_to_the_present_address_and_old_ones_stay(self):
    self.begin_with(HOSTS[0])
    client = self.connect()
    self.assertEqual(self.ask(client), 0)
    self.change(HOSTS[1])
    self.assertEqual(self.stat("membership_total"), 1)
    self.assertEqual(self.ask(client), 0, "its connection is kept")
    go = threading.Event()
    self.addCleanup(go.set)

    def hold(seen):
      go.wait(harness.DEADLINE)
      return ok(b"0")
    self.servers[0].answer = hold
    client.send(request())
    wait_until(lambda: len(self.servers[0].requests) == 3, "the request that holds the connection")
    self.assertEqual(self.ask(self.connect()), 1)
    go.set()
    self.assertEqual(client.response().body, b"0")


class Services(Dns):
  at_start = {"a": HOSTS[:1], "b": HOSTS[1:2], "spare": HOSTS[2:]}
  NAME = "_http._tcp.web.test"

  @classmethod
  def endpoint(cls):
    return cls.NAME

  @classmethod
  def services(cls):
    return ((cls.NAME, "a.test", cls.port, 1, 30), (cls.NAME, "b.test", cls.port, 1, 10),
            (cls.NAME, "spare.test", cls.port, 2, 10))

  def test_records_say_hosts_ports_weights_and_priorities(self):
    self.assertEqual(self.counts(40), {0: 30, 1: 10})

  def test_other_records_are_followed(self):
    before = self.stat("membership_change")
    self.dns.set_services((self.NAME, "spare.test", self.port, 1, 1))
    wait_until(lambda: self.stat("membership_change") > before, "the change")
    client = self.connect()
    wait_until(lambda: self.ask(client) == 2, "the new target")
    self.dns.set_services(*self.services())
    wait_until(lambda: self.stat("membership_total") == 2, "the first records")


class NobodyAnswers(Dns):
  """The server is not there when Weir starts."""
  keys = {"dns_failure_refresh_rate": {"base_interval": "0.05s", "max_interval": "0.1s"}}

  @classmethod
  def start_dns(cls):
    pass

  def test_it_starts_and_serves_when_there_is_an_answer(self):
    response = self.get()
    self.assertEqual(response.status, 503)
    self.assertIn(b"no_healthy_upstream", response.body)
    self.assertEqual(self.stat("membership_total"), 0)
    self.assertEqual(self.stat("warm_timeout"), 0, "a failure is an answer too")
    self.dns.start()
    client = self.connect()
    wait_until(lambda: client.send(request()).response().status == 200, "an endpoint")


class Silence(Dns):
  """Something takes the questions and never answers."""
  limits = {"dns_warm_timeout": "0.2s"}
  expect_warnings = ("lookup of ", "no answer of DNS yet")

  @classmethod
  def start_dns(cls):
    cls.silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    cls.addClassCleanup(cls.silent.close)
    cls.silent.bind(("127.0.0.1", 0))
    cls.dns.address = "127.0.0.1:%d" % cls.silent.getsockname()[1]

  def test_listeners_do_not_wait_for_ever(self):
    self.assertEqual(self.get().status, 503)
    self.assertEqual(self.stat("warm_timeout"), 1)


class LateServer:
  """Answers each question for an A record with 127.0.0.1, when told to."""

  def __init__(self):
    self.go = threading.Event()
    self.asked = threading.Event()
    self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    self.socket.bind(("127.0.0.1", 0))
    self.socket.settimeout(0.1)
    self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
    self.stopped = False
    self.thread = threading.Thread(target=self.serve, daemon=True)
    self.thread.start()

  def serve(self):
    while not self.stopped:
      try:
        question, peer = self.socket.recvfrom(4096)
      except socket.timeout:
        continue
      self.asked.set()
      self.go.wait(harness.DEADLINE)
      end = question.index(b"\0", 12) + 5
      is_a = question[end - 4:end - 2] == b"\0\x01"
      head = question[:2] + b"\x81\x80\0\x01" + (b"\0\x01" if is_a else b"\0\0") + b"\0\0\0\0"
      record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01" if is_a else b""
      self.socket.sendto(head + question[12:end] + record, peer)

  def stop(self):
    self.stopped = True
    self.go.set()
    self.thread.join()
    self.socket.close()


class Reload(Dns):
  """A new cluster serves when its names are known; until then the configuration before does."""

  def test_a_new_cluster_is_never_empty(self):
    late = LateServer()
    self.addCleanup(late.stop)
    made = self.make_config()
    made["clusters"].append(cluster("new", self.endpoint(), type="STRICT_DNS", dns_resolvers=[late.address]))
    made["listeners"][0]["http"]["routes"][0]["route"]["cluster"] = "new"
    with open(self.weir.config_path, "w", encoding="utf-8") as file:
      file.write(json.dumps(made))
    failed = self.weir.stat("http.main.downstream_rq_5xx")
    self.weir.signal(signal.SIGHUP)
    self.assertTrue(late.asked.wait(harness.DEADLINE))
    self.assertEqual(self.counts(20), {0: 20})
    self.assertEqual(self.weir.stat("server.reload_generation"), 0)
    late.go.set()

    def goes_to_the_new_one():
      response = self.get()
      self.assertEqual(response.status, 200)
      return self.weir.stats().get("cluster.new.upstream_rq_total", 0) > 0
    wait_until(goes_to_the_new_one, "the new cluster")
    self.assertEqual(self.weir.stat("http.main.downstream_rq_5xx"), failed)


class TcpProxy(Dns):

  @classmethod
  def make_config(cls):
    made = super().make_config()
    made["listeners"] = [{"name": "main", "address": "127.0.0.1:0", "tcp": {"cluster": "app"}}]
    return made

  def test_new_connections_go_to_the_new_address_and_old_ones_stay(self):
    self.begin_with(HOSTS[0])
    old = self.connect()
    self.assertEqual(self.ask(old), 0)
    self.change(HOSTS[1])
    wait_until(lambda: self.ask(self.connect()) == 1, "the new address")
    self.assertEqual(self.ask(old), 0)


if __name__ == "__main__":
  harness.main()
