"""Where plugins are looked for, and that `weir plugins` lists every kind of them."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

import harness


class PluginPath(unittest.TestCase):

  FILE = """
listeners:
  - name: tcp
    address: 127.0.0.1:0
    listener_filters: [{name: proxy_protocol}]
    filter_chains:
      - filters: [{name: connection_limit, typed_config: {stat_prefix: a, max_connections: 9}}, {name: echo}]
  - name: http
    address: 127.0.0.1:0
    http:
      access_log: [{name: file, typed_config: {path: /dev/stderr, log_format: {text_format: "%DURATION%"}}}]
      routes: [{match: {prefix: /}, direct_response: {status: 200}}]
"""

  def list(self, path, environment, *options):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="weir-list-") as file:
      file.write(self.FILE)
      file.flush()
      return subprocess.run([harness.BINARY, "plugins", "-c", file.name, "--plugin-path", path] + list(options), text=True,
                            capture_output=True, check=False, env=dict(os.environ, WEIR_PLUGIN_PATH=environment))

  def test_every_kind_is_listed(self):
    done = self.list(harness.PLUGINS, "", "--format", "json")
    self.assertEqual(done.returncode, 0, done.stderr)
    kinds = {row["name"]: row["kind"] for row in json.loads(done.stdout)}
    for name, kind in (("proxy_protocol", "listener filter"), ("connection_limit", "network filter"), ("echo", "network filter"),
                       ("file", "access logger"), ("h1", "codec")):
      self.assertEqual(kinds.get(name), kind, kinds)

  def test_a_plus_adds_a_folder_to_those_of_weir(self):
    with tempfile.TemporaryDirectory(prefix="weir-own-") as weirs, tempfile.TemporaryDirectory(prefix="weir-mine-") as mine:
      for name in os.listdir(harness.PLUGINS):
        shutil.copy(os.path.join(harness.PLUGINS, name), mine if name == "echo.so" else weirs)
      added = self.list("+" + mine, weirs)
      self.assertEqual(added.returncode, 0, added.stderr)
      self.assertIn(os.path.join(weirs, "h1.so"), added.stdout)
      self.assertIn(os.path.join(mine, "echo.so"), added.stdout)
      alone = self.list(mine, weirs)
      self.assertEqual(alone.returncode, 1)
      self.assertIn("h1.so", alone.stderr)


if __name__ == "__main__":
  harness.main()
