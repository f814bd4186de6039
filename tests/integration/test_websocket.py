"""WebSocket by a widely used library on both sides: an echo that speaks first, through the program."""

import os
import shutil
import subprocess

import harness
from harness import WeirTest, cluster, config, listener, route

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "websocket")
NODE = shutil.which("node")
ENVIRONMENT = dict(os.environ, NODE_PATH="/usr/share/nodejs:/usr/lib/node_modules")


def missing():
  if NODE is None:
    return "node is not there"
  if subprocess.run([NODE, "-e", "require('ws')"], env=ENVIRONMENT, capture_output=True, check=False).returncode != 0:
    return "node has no ws"
  return None


class Websocket(WeirTest):

  @classmethod
  def setUpClass(cls):
    reason = missing()
    if reason is not None:
      if os.environ.get("CI") == "true":
        raise harness.HarnessError(reason)
      raise harness.unittest.SkipTest(reason)
    super().setUpClass()

  @classmethod
  def make_config(cls):
    cls.server = subprocess.Popen([NODE, os.path.join(HERE, "server.js")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  env=ENVIRONMENT)
    cls.addClassCleanup(cls.end_server)
    port = int(cls.server.stdout.readline())
    return config([listener("main", [route(timeout="0s", upgrade_configs=["websocket"])])],
                  [cluster("app", "127.0.0.1:%d" % port)])

  @classmethod
  def end_server(cls):
    cls.server.stdin.close()
    cls.server.stdout.close()
    cls.server.wait(harness.DEADLINE)

  def test_echo(self):
    url = "ws://%s/echo" % self.weir.addresses["main"]
    done = subprocess.run([NODE, os.path.join(HERE, "client.js"), url, "20", "50"], env=ENVIRONMENT, capture_output=True,
                          timeout=2 * harness.DEADLINE, check=False)
    self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))
    self.assertEqual(done.stdout.decode().strip(), "closed 20 echoed 1000")
    self.assertEqual(self.weir.stat("http.main.downstream_cx_upgrades_total"), 20)


if __name__ == "__main__":
  harness.main()
