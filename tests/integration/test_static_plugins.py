"""The program of -DWEIR_STATIC_PLUGINS=ON: its plugins are inside, and no file is looked for."""

import os
import subprocess
import tempfile
import unittest

import h2_peer
import harness
from harness import WeirTest, cluster, config, listener, route

SHIPPED = os.listdir(harness.PLUGINS)
EMPTY = tempfile.TemporaryDirectory(prefix="weir-static-")
harness.BINARY = os.path.join(os.path.dirname(harness.BINARY), "weir_static")
harness.PLUGINS = EMPTY.name


class WithoutFiles(WeirTest):

  @classmethod
  def make_config(cls):
    filters = [{"name": "cors"}, {"name": "compressor", "typed_config": {"compressor_library": {"name": "gzip"}}}, {"name": "mux"}]
    log = [{"name": "file", "typed_config": {"path": "lines.txt", "format": ""}}]
    return config([listener("main", [route("app")], http_filters=filters, access_log=log,
                            options={"listener_filters": [{"name": "proxy_protocol",
                                                           "typed_config": {"allow_requests_without_proxy_protocol": True}}]}),
                   {"name": "echo", "address": "127.0.0.1:0", "filter_chains": [{"filters": [{"name": "echo"}]}]}],
                  [cluster("app", cls.backend.address)])

  def test_requests_are_answered(self):
    self.assertEqual(self.get().status, 200)
    connection = h2_peer.Connection(self.connect()).begin()
    self.assertEqual(connection.start("GET", "/two").response().status, 200)
    connection.close()

  def test_bytes_are_echoed(self):
    client = self.connect("echo").send(b"hello")
    self.assertEqual(client.take(5), b"hello")

  def test_what_is_loaded_is_built_in(self):
    done = subprocess.run([harness.BINARY, "plugins", "-c", self.weir.config_path, "--plugin-path", EMPTY.name],
                          capture_output=True, text=True, timeout=harness.DEADLINE, check=True)
    rows = done.stdout.splitlines()[1:]
    self.assertEqual({row.split()[0] for row in rows},
                     {"h1", "h2", "cors", "compressor", "file", "stdout", "stderr", "proxy_protocol", "echo"})
    for row in rows:
      self.assertIn("(built in)", row)


class All(unittest.TestCase):

  def unknown(self, name):
    """Of how many kinds there is none of this name: a filter of each kind, a logger, a codec."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
      file.write("listeners:\n- address: 127.0.0.1:0\n  listener_filters: [{name: %s}]\n  filter_chains:\n  - filters:\n"
                 "    - {name: %s}\n    - name: http_connection_manager\n      typed_config:\n        stat_prefix: a\n"
                 "        codecs: [%s]\n        access_log: [{name: %s}]\n        http_filters: [{name: %s}, {name: mux}]\n"
                 "        routes: [{match: {prefix: /}, direct_response: {status: 200}}]\n" % ((name,) * 5))
      file.flush()
      done = subprocess.run([harness.BINARY, "validate", file.name, "--plugin-path", EMPTY.name], capture_output=True, text=True,
                            timeout=harness.DEADLINE, check=False)
    return done.stderr.count("no plugin file %s.so" % name)

  def test_each_shipped_plugin_is_inside(self):
    names = sorted(name[:-3] for name in SHIPPED if name.endswith(".so"))
    self.assertGreater(len(names), 15)
    self.assertEqual(self.unknown("none_of_them"), 5)
    for name in names:
      with self.subTest(name):
        self.assertLess(self.unknown(name), 5)


if __name__ == "__main__":
  harness.main()
