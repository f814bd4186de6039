"""What a drain means for connections whose end nobody knows: those of a tcp_proxy end with the drain time, and network filters
before a terminal filter hear of it at once."""

import os
import signal

import harness
import plugin_build
from harness import cluster, config, listener, request, wait_until
from test_reload import ReloadTest


def setUpModule():
  plugin_build.build("tests/integration/plugins/hears_drain.cc")


def through(name, *filters, **keys):
  return dict({"name": name, "address": "127.0.0.1:0", "filter_chains": [{"filters": list(filters)}]}, **keys)


HEARS = {"name": "hears_drain"}


class TcpDrain(ReloadTest):
  options = ("--drain-time", "2s")

  @classmethod
  def make_config(cls):
    flags = [{"name": "file", "typed_config": {"path": "ends.txt", "format": "%RESPONSE_FLAGS% %BYTES_SENT%\n"}}]
    proxy = {"name": "tcp_proxy", "typed_config": {"stat_prefix": "relay", "cluster": "app", "access_log": flags}}
    manager = {"name": "http_connection_manager", "typed_config": listener("web")["http"]}
    return config([through("main", proxy), through("heard", HEARS, proxy), through("web", HEARS, manager)],
                  [cluster("app", cls.backend.address)])

  def relayed(self, name="main", say=b"hello"):
    """A connection whose bytes have got to the backend and back."""
    self.backend.script = lambda wire: (wire.send(wire.take(len(say))), wire.rest())
    client = self.connect(name)
    client.send(say)
    self.assertEqual(client.take(len(say)), say)
    return client

  def change_main(self):
    self.config["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["idle_timeout"] = "600s"
    self.reload()

  def test_a_replaced_listeners_connections_end_with_the_drain_time(self):
    old = self.relayed()
    self.change_main()
    new = self.relayed()
    self.assertEqual(old.rest(), b"")
    self.assertEqual(self.weir.stat("tcp.relay.downstream_cx_drain_close"), 1)
    self.assertFalse(new.has_input(), "the new listener's connection goes on")

    def lines():
      path = self.weir.path("ends.txt")
      if not os.path.exists(path):
        return None
      with open(path, encoding="utf-8") as file:
        return file.read()
    self.assertEqual(wait_until(lines, "the line"), "- 5\n")

  def test_until_then_they_go_on(self):
    self.backend.script = lambda wire: (wire.take(5), wire.take(4), wire.send(b"more"), wire.rest())
    old = self.connect()
    old.send(b"hello")
    wait_until(self.backend.total_received, "the bytes")
    self.change_main()
    old.send(b"more")
    self.assertEqual(old.take(4), b"more")
    old.half_close()
    self.assertEqual(old.rest(), b"")

  def test_sigterm_ends_them_with_the_drain_time(self):
    client = self.relayed()
    self.weir.signal(signal.SIGTERM)
    self.assertEqual(self.weir.wait_exit(), 0)
    self.assertEqual(client.rest(), b"")
    type(self).restart()

  def test_a_filter_before_a_tcp_proxy_hears_of_it(self):
    client = self.relayed("heard", b"close it")
    idle = self.relayed("heard")
    self.weir.signal(signal.SIGTERM)
    self.assertEqual(client.rest(), b"drained\n")
    self.assertEqual(idle.take(8), b"drained\n")
    self.assertEqual(self.weir.wait_exit(), 0)
    type(self).restart()

  def test_a_filter_before_a_connection_manager_hears_of_it(self):
    client = self.connect("web")
    client.send(request("/x"))
    self.assertEqual(client.response().body, b"/x")
    self.weir.signal(signal.SIGTERM)
    self.assertEqual(client.take(8), b"drained\n")
    client.close()
    self.assertEqual(self.weir.wait_exit(), 0)
    type(self).restart()


if __name__ == "__main__":
  harness.main()
