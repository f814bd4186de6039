"""What the configuration says to a codec's plugin, in place of its defaults."""

import os
import subprocess
import tempfile

import harness
from harness import WeirTest, cluster, config, listener, ok, route

TWICE = b"POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nhi"


class OptionsOfTheHttp1Codec(WeirTest):
  """Each rule of its table of strictness can be set where it is used, and nowhere else."""

  @classmethod
  def make_config(cls):
    return config([listener("main", [route("app")]),
                   listener("loose", [route("app")], codec_options={"h1": {"reject_repeated_length": False}}),
                   listener("loose-behind", [route("loose")])],
                  [cluster("app", cls.backend.address),
                   cluster("loose", cls.backend.address, codec_options={"h1": {"reject_repeated_length": False}})])

  def test_a_repeated_length_is_refused_unless_it_is_allowed(self):
    refused = self.connect("main").send(TWICE).response("POST")
    self.assertEqual(refused.status, 400)
    allowed = self.connect("loose").send(TWICE).response("POST")
    self.assertEqual(allowed.status, 200)
    self.assertEqual(self.backend.requests[0].all("content-length"), ["2"])

  def test_the_same_holds_for_answers_of_a_clusters_backends(self):
    def script(wire):
      while wire.request() is not None:
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok")
    self.backend.script = script
    self.assertEqual(self.get(name="main").status, 502)
    self.assertEqual(self.get(name="loose-behind").body, b"ok")


class MistakesInOptions(harness.unittest.TestCase):

  def validate(self, http="", app=""):
    text = ("listeners:\n- address: 127.0.0.1:0\n  http:\n    routes: [{match: {prefix: /}, route: {cluster: app}}]\n    " + http +
            "\nclusters:\n- name: app\n  endpoints: [127.0.0.1:1]\n  " + app + "\n")
    with tempfile.TemporaryDirectory(prefix="weir-options-") as directory:
      path = os.path.join(directory, "test.yaml")
      with open(path, "w", encoding="utf-8") as out:
        out.write(text)
      run = subprocess.run([harness.BINARY, "validate", path], capture_output=True, text=True, timeout=30,
                           env=dict(os.environ, WEIR_PLUGIN_PATH=harness.PLUGINS), check=False)
    return run.returncode, run.stdout + run.stderr

  def refused(self, *words, **where):
    code, text = self.validate(**where)
    self.assertNotEqual(code, 0, text)
    for word in words:
      self.assertIn(word, text)

  def test_an_option_that_the_codec_does_not_know(self):
    self.refused("5:26", "reject_repeated_lenght", http="codec_options: {h1: {reject_repeated_lenght: false}}")
    self.refused("9:24", "no_such_option", app="codec_options: {h1: {no_such_option: 1}}")

  def test_a_value_that_is_none(self):
    self.refused("5:50", "true or false", http="codec_options: {h1: {reject_repeated_length: perhaps}}")

  def test_options_of_a_codec_that_is_not_used(self):
    self.refused("5:21", "does not use", http="codec_options: {toy: {max_frame: 1}}")
    self.refused("9:19", "does not use", app="codec_options: {toy: {max_frame: 1}}")

  def test_http2_options_reach_their_codec(self):
    code, text = self.validate(http="codecs: [h2, h1]\n    http2_protocol_options: {hpack_table_size: 0, "
                                    "connection_keepalive: {interval: 30s}}",
                               app="protocol: h2\n  codec_options: {h2: {hpack_table_size: 0}}")
    self.assertEqual(code, 0, text)
    self.refused("hpack_table_size", "6:48", http="codecs: [h2, h1]\n    http2_protocol_options: {hpack_table_size: -1}")
    self.refused("5:30", "does not use", http="http2_protocol_options: {hpack_table_size: 0}\n    codecs: [h1]")


if __name__ == "__main__":
  harness.main()
