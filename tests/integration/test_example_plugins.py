"""The plugins under examples/, built as their first lines say: with a compiler and the header, nothing else of the tree."""

import os
import subprocess
import tempfile

import harness
from harness import WeirTest, cluster, config, listener, ok, route

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILT = tempfile.TemporaryDirectory(prefix="weir-example-")
harness.PLUGINS = BUILT.name + ":" + harness.PLUGINS


def build(name):
  subprocess.run(["cc", "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-I" + TREE,
                  "%s/examples/plugins/%s/%s.c" % (TREE, name, name), "-o", "%s/%s.so" % (BUILT.name, name)], check=True)


class AddHeader(WeirTest):

  @classmethod
  def make_config(cls):
    build("add_header")
    filters = [{"name": "add_header", "typed_config": {"name": "x-served-by", "value": "weir"}}, {"name": "mux"}]
    return config([listener("main", [route("app")], http_filters=filters)], [cluster("app", cls.backend.address)])

  def test_the_answer_carries_its_field(self):
    self.backend.script = lambda wire: (wire.request(), wire.send(ok(b"body")))
    response = self.get("/")
    self.assertEqual((response.status, response.body), (200, b"body"))
    self.assertEqual(response.get("x-served-by"), "weir")

  def test_a_missing_key_is_named_with_its_place(self):
    text = ("listeners: [{address: '127.0.0.1:0', http: {http_filters: [{name: add_header, typed_config: {name: x}}, "
            "{name: mux}], routes: [{match: {prefix: /}, route: {cluster: a}}]}}]\n"
            "clusters: [{name: a, endpoints: ['127.0.0.1:1']}]\n")
    path = os.path.join(BUILT.name, "bad.yaml")
    with open(path, "w", encoding="utf-8") as file:
      file.write(text)
    done = subprocess.run([harness.BINARY, "validate", path, "--plugin-path", harness.PLUGINS],
                          capture_output=True, text=True, check=False)
    self.assertEqual(done.returncode, 1, done.stderr)
    self.assertIn("bad.yaml:1:", done.stderr)


if __name__ == "__main__":
  harness.main()
