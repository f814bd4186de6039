"""What plugins and logs are told of connections: one number for all filters of a connection, and why a backend could not be
reached."""

import os
import subprocess
import tempfile

import harness
from harness import WeirTest, closed_port, cluster, config, listener, route, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
BUILT = tempfile.TemporaryDirectory(prefix="weir-test-plugin-")
harness.PLUGINS = BUILT.name + ":" + harness.PLUGINS


def setUpModule():
  subprocess.run(["c++", "-std=c++20", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror",
                  "-I" + os.path.dirname(os.path.dirname(HERE)), HERE + "/plugins/same_id.cc", "-o", BUILT.name + "/same_id.so"],
                 check=True)


class ConnectionFacts(WeirTest):

  @classmethod
  def make_config(cls):
    nobody, dead = closed_port()
    cls.addClassCleanup(nobody.close)
    main = listener("main", [route("app")], http_filters=[{"name": "same_id"}, {"name": "mux"}])
    manager = {"name": "http_connection_manager", "typed_config": main.pop("http")}
    main["filter_chains"] = [{"filters": [{"name": "same_id"}, manager]}]
    reason = {"name": "file", "typed_config": {"path": "reasons.txt", "log_format": {
        "text_format": "%RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_TRANSPORT_FAILURE_REASON%\n"}}}
    return config([main, listener("dead", [route("dead", "/dead"), route("app")], access_log=[reason])],
                  [cluster("app", cls.backend.address), cluster("dead", dead)])

  def test_all_filters_of_a_connection_are_told_one_number(self):
    numbers = set()
    for _ in range(3):
      answer = self.get("/", name="main").body.decode()
      self.assertRegex(answer, "^same [1-9][0-9]*$")
      numbers.add(answer)
    self.assertEqual(len(numbers), 3)

  def test_the_log_says_why_a_backend_was_not_reached(self):
    self.assertEqual(self.get("/dead", name="dead").status, 503)
    self.assertEqual(self.get("/", name="dead").status, 200)

    def lines():
      path = self.weir.path("reasons.txt")
      if not os.path.exists(path):
        return None
      with open(path, encoding="utf-8") as file:
        found = file.read().split("\n")[:-1]
      return found if len(found) == 2 else None
    self.assertEqual(wait_until(lines, "two lines"), ["503 UF connection refused", "200 - -"])


if __name__ == "__main__":
  harness.main()
