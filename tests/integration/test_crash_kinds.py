"""Exceptions out of plugins of every kind. The program stands, who is concerned is cut off or refused, whose mistake it was is
counted and in the log, and everybody else is served meanwhile."""

import os
import re
import signal
import subprocess
import tempfile

import harness
import plugin_build
from harness import Weir, WeirTest, cluster, config, listener, route, wait_until

SOURCE = "tests/integration/plugins/crash_kinds.cc"
OWN = "a plugin's own"
LISTENER = ("create", "data", "destroy", "answer")
NETWORK = ("create", "new_connection", "data", "destroy", "a posted hook", "answer")
LOGGER = ("log", "answer")
CODEC = ("receive", "adopt", "send_head", "ready", "produce", "reusable", "too much")


def here(throws):
  return {"name": "crash_kinds", "typed_config": {"throws": throws}}


def name(kind, hook):
  return kind + "-" + hook.replace(" ", "-")


def left(hook):
  return "an exception left %s: %s" % (hook, OWN)


class CrashKinds(WeirTest):

  expect_warnings = ["(listener filter|network filter|access logger|codec of plugin|plugin) \\S*crash_kinds\\S*( failed)?: "]

  @classmethod
  def make_config(cls):
    plugin_build.build(SOURCE)
    listeners = [listener("main", [route()])]
    for hook in LISTENER:
      listeners.append(listener(name("listener", hook), [route()], options={"listener_filters": [here(hook)]}))
    for hook in NETWORK:
      listeners.append({"name": name("network", hook), "address": "127.0.0.1:0",
                        "filter_chains": [{"filters": [here(hook), {"name": "echo"}]}]})
    for hook in LOGGER:
      listeners.append(listener(name("logger", hook), [route()], access_log=[here(hook), "default.txt"]))
    listeners.append(listener("codec", [route()], codecs=["crash_kinds"]))
    listeners.append(listener(name("codec", "create"), [route()], codecs=["crash_kinds"],
                              codec_options={"crash_kinds": {"throws": "create"}}))
    listeners.append(listener("timer", [route()], http_filters=[here("a timer"), {"name": "mux"}]))
    return config(listeners, [cluster("app", cls.backend.address)])

  def setUp(self):
    super().setUp()
    self.errors = self.weir.stat("plugin.crash_kinds.errors")

  def tearDown(self):
    self.backend.reset()
    self.assertEqual(self.get().status, 200)
    super().tearDown()

  def cut_off(self, name, data):
    try:
      client = self.connect(name)
    except ConnectionResetError:
      return  # already
    try:
      client.send(data)
    except ConnectionError:
      pass
    self.assertEqual(client.rest(), b"", name)
    client.close()

  def counted(self, cause, words):
    """`cause` counts one error each time; one line a second is written."""
    def again():
      cause()
      self.errors += 1
      self.weir.wait_stat("plugin.crash_kinds.errors", self.errors)
      return words in self.weir.log()
    wait_until(again, lambda: "%r in %s" % (words, self.weir.log()))

  def test_a_listener_filter_that_fails_ends_its_connection(self):
    for hook in ("create", "data"):
      self.counted(lambda: self.cut_off(name("listener", hook), b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),  # pylint: disable=cell-var-from-loop
                   "listener filter crash_kinds failed: an exception left " + hook)
    self.counted(lambda: self.cut_off(name("listener", "answer"), b""), "listener filter crash_kinds failed: create answered -7")

  def test_what_a_listener_filter_throws_at_its_end_is_counted(self):
    self.counted(lambda: self.get(name=name("listener", "destroy")), "listener filter crash_kinds failed: an exception left destroy")

  def test_a_network_filter_that_fails_ends_its_connection(self):
    for hook in ("create", "new_connection", "data", "a posted hook"):
      self.counted(lambda: self.cut_off(name("network", hook), b"x" if hook == "data" else b""),  # pylint: disable=cell-var-from-loop
                   "network filter crash_kinds failed: an exception left " + hook)
    self.counted(lambda: self.cut_off(name("network", "answer"), b""), "network filter crash_kinds failed: create answered -7")

  def test_what_a_network_filter_throws_at_its_end_is_counted(self):
    def echo():
      client = self.connect(name("network", "destroy"))
      client.send(b"x")
      self.assertEqual(client.take(1), b"x")
      client.close()
    self.counted(echo, "network filter crash_kinds failed: an exception left destroy")

  def test_an_access_logger_that_fails_costs_its_line_alone(self):
    for hook, words in (("log", left("log")), ("answer", "log answered -7")):
      def ask():
        before = self.lines()
        self.assertEqual(self.get(name=name("logger", hook)).status, 200)  # pylint: disable=cell-var-from-loop
        wait_until(lambda: self.lines() > before, "the line of the other log")
      self.counted(ask, "access logger crash_kinds failed: %s; a line is missing" % words)

  def lines(self):
    path = self.weir.path("default.txt")
    if not os.path.exists(path):
      return 0
    with open(path, encoding="utf-8") as file:
      return file.read().count("\n")

  def test_the_hooks_of_every_kind_are_timed(self):
    self.get(name=name("logger", "log"))
    page = self.weir.ask_admin("/stats?filter=plugin.crash_kinds.hook_us").body.decode()
    self.assertRegex(page, r"^plugin\.crash_kinds\.hook_us: P50\(")

  def test_a_codec_that_fails_ends_its_connection(self):
    for hook in CODEC:
      what = left(hook)
      if hook == "too much":
        what = "receive took more than it was shown"
      self.counted(lambda: self.speak(hook),  # pylint: disable=cell-var-from-loop
                   "codec of plugin crash_kinds failed: %s; its connection is closed" % what)

  def speak(self, hook):
    """A whole answer is nobody's who is cut off."""
    client = self.connect("codec")
    client.send(b"!%s\nGET /there\n" % hook.encode())
    self.assertFalse(client.rest().endswith(b"0\n"), hook)
    client.close()

  def test_a_codec_that_fails_when_a_stream_is_reset(self):
    self.backend.script = lambda wire: wire.request() and wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
    self.counted(lambda: self.speak("reset"), "codec of plugin crash_kinds failed: " + left("reset"))

  def test_a_codec_that_cannot_be_made_is_no_connection(self):
    self.counted(lambda: self.cut_off(name("codec", "create"), b""), "codec of plugin crash_kinds failed: " + left("create"))

  def test_what_a_codec_throws_at_its_end_is_counted(self):
    def ask():
      client = self.connect("codec")
      client.send(b"!destroy\nGET /there\n")
      self.assertTrue(client.until(b"0\n").startswith(b"200\n"))
      client.close()
    self.counted(ask, "codec of plugin crash_kinds failed: " + left("destroy"))

  def test_what_a_timer_throws_is_counted_where_it_is_nobodys_connection(self):
    before = self.weir.stat("plugins.threw")
    self.assertEqual(self.get(name="timer").status, 200)
    wait_until(lambda: self.weir.stat("plugins.threw") > before, "plugins.threw")
    self.assertRegex(self.weir.log(), r"error: plugin \S*/crash_kinds\.so: " + left("a timer"))


class TheLivesOfPlugins(harness.unittest.TestCase):
  """init and fini, workers, what becomes of a configuration."""

  def run_with(self, text, command):
    with tempfile.TemporaryDirectory(prefix="weir-crash-") as directory:
      path = os.path.join(directory, "test.yaml")
      with open(path, "w", encoding="utf-8") as file:
        file.write(text)
      return subprocess.run([harness.BINARY, command, path, "--plugin-path", harness.PLUGINS], capture_output=True, text=True,
                            check=False, timeout=harness.DEADLINE)

  def test_a_configuration_is_refused_in_words_where_it_makes_a_plugin_throw(self):
    plugin_build.build(SOURCE)
    throws = "typed_config: {throws: config_new}"
    done = self.run_with("""listeners:
- address: 127.0.0.1:0
  listener_filters: [{name: crash_kinds, %s}]
  filter_chains:
  - filters:
    - {name: crash_kinds, %s}
    - name: http_connection_manager
      typed_config:
        stat_prefix: a
        codecs: [crash_kinds]
        codec_options: {crash_kinds: {throws: config_new}}
        access_log: [{name: crash_kinds, %s}]
        http_filters: [{name: crash_kinds, %s}, {name: mux}]
        routes:
        - match: {prefix: /}
          direct_response: {status: 200}
""" % (throws, throws, throws, throws), "validate")
    self.assertEqual(done.returncode, 1, done.stderr)
    found = re.findall(r"test\.yaml:(\d+):\d+: (?:error: )?(.*)", done.stderr)
    for line, owner in ((3, "listener filter"), (6, "network filter"), (11, "codec"), (12, "access logger"), (13, "http filter")):
      self.assertTrue(any(int(at) == line and text.startswith(owner + " crash_kinds") and
                          "plugin crash_kinds: " + left("config_new") in text for at, text in found), (owner, done.stderr))

  def test_the_same_for_a_route(self):
    plugin_build.build(SOURCE)
    done = self.run_with("""listeners:
- address: 127.0.0.1:0
  http:
    http_filters: [{name: crash_kinds}, {name: mux}]
    routes:
    - match: {prefix: /}
      direct_response: {status: 200}
      typed_per_filter_config: {crash_kinds: {throws: config_new}}
""", "validate")
    self.assertEqual(done.returncode, 1, done.stderr)
    self.assertIn("test.yaml:8:", done.stderr)
    self.assertIn("http filter crash_kinds: plugin crash_kinds: " + left("config_new"), done.stderr)

  def build(self, hook):
    made = "crash_" + hook
    plugin_build.build(SOURCE, made, ['-DNAME="%s"' % made, '-DTHROWS_IN="%s"' % hook])
    return config([listener("main", [route()], http_filters=[{"name": made}, {"name": "mux"}])],
                  [cluster("app", "127.0.0.1:1")]), made

  def test_a_plugin_whose_init_throws_is_not_loaded(self):
    made, plugin = self.build("init")
    done = self.run_with(harness.json.dumps(made), "validate")
    self.assertEqual(done.returncode, 1, done.stderr)
    self.assertRegex(done.stderr, r"plugin \S*/%s\.so: init failed: an exception left it: %s" % (plugin, OWN))

  def test_what_a_worker_hears_is_counted_and_what_is_thrown_at_the_end_is_in_the_log(self):
    made, plugin = self.build("worker")
    weir = Weir(made, expect_warnings=["plugin %s: an exception left worker_st(art|op): %s$" % (plugin, OWN)])
    self.addCleanup(weir.kill)
    weir.wait_stat("plugins.threw", 1)
    self.assertIn("plugin %s: %s" % (plugin, left("worker_start")), weir.log())
    weir.stop()

  def test_fini_that_throws_does_not_spoil_the_end(self):
    made, plugin = self.build("fini")
    weir = Weir(made, expect_warnings=["plugin %s: an exception left fini: %s$" % (plugin, OWN)])
    self.addCleanup(weir.kill)
    weir.signal(signal.SIGTERM)
    self.assertEqual(weir.wait_exit(), 0)
    self.assertIn("plugin %s: %s" % (plugin, left("fini")), weir.log())

  def test_a_configuration_whose_end_throws_is_replaced_all_the_same(self):
    plugin_build.build(SOURCE)
    kinds = listener("main", [route()], http_filters=[here("config_free"), {"name": "mux"}], access_log=[here("config_free")],
                     options={"listener_filters": [here("config_free")]})
    weir = Weir(config([kinds], [cluster("app", "127.0.0.1:1")]),
                expect_warnings=["plugin crash_kinds: an exception left config_free: %s" % OWN])
    self.addCleanup(weir.kill)
    with open(weir.config_path, "w", encoding="utf-8") as file:
      file.write(harness.json.dumps(config([listener("main", [route()])], [cluster("app", "127.0.0.1:1")])))
    weir.signal(signal.SIGHUP)
    wait_until(lambda: weir.stat("plugins.threw") == 3, lambda: "three: " + weir.log())
    self.assertIn("plugin crash_kinds: " + left("config_free"), weir.log())
    weir.stop()


if __name__ == "__main__":
  harness.main()
