"""A filter that makes every ordinary mistake. The program stands, the request fails closed, whose mistake it was is counted and
in the log, and everybody else is served meanwhile."""

import os
import subprocess
import tempfile
import threading

import h2_peer
import harness
import plugin_build
from harness import HarnessError, Truncated, WeirTest, chunks, cluster, config, listener, ok, route, wait_until

ANSWER = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks(b"answer", trailers=[("x-sum", "1")])
BEFORE = ("create", "request_headers", "request_data", "request_trailers", "response_headers")
AFTER = ("response_data", "response_trailers")


class CrashProne(WeirTest):

  expect_warnings = ["http filter crash_prone of plugin crash_prone failed: "]

  @classmethod
  def make_config(cls):
    plugin_build.build("tests/integration/plugins/crash_prone.cc")
    filters = [{"name": "crash_prone"}, {"name": "mux"}]
    return config([listener("main", [route(prefix="/never", timeout="0.5s"), route()], http_filters=filters), listener("well", [route()])],
                  [cluster("app", cls.backend.address)])

  def setUp(self):
    super().setUp()
    self.backend.answer = lambda request: ANSWER
    # Somebody whose exchange is under way all the time.
    self.other = h2_peer.Connection(self.connect("main")).begin()
    self.steady = self.other.start("POST", "/steady", end=False)
    self.errors = self.weir.stat("plugin.crash_prone.errors")

  def tearDown(self):
    self.steady.end()
    self.assertEqual(self.steady.response().status, 200)
    self.other.close()
    self.assertEqual(self.get_plain(), 200)
    super().tearDown()

  def get_plain(self):
    return self.get("/plain", name="well").status

  @staticmethod
  def path(mistake):
    return b"never" if mistake == "never" else b""

  def ask1(self, mistake):
    """What a client of HTTP/1.1 gets: the message, or None where it was cut off."""
    client = self.connect()
    client.send(b"POST /%s HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te\r\nx-mistake: %s\r\n"
                b"transfer-encoding: chunked\r\n\r\n" % (self.path(mistake), mistake.encode()) +
                chunks(b"ask", trailers=[("x-t", "1")]))
    try:
      return client.response("POST")
    except Truncated:
      return None
    finally:
      client.close()

  def ask2(self, mistake):
    """The same over HTTP/2, on the connection of the steady one."""
    stream = self.other.start("POST", "/" + self.path(mistake).decode(), [("x-mistake", mistake)], end=False)
    try:
      stream.send(b"ask").end([("x-t", "1")])
      return stream.response()
    except Truncated:
      return stream.received if stream.complete else None

  def ask(self, mistake):
    for asks in (self.ask1, self.ask2):
      answer = asks(mistake)
      self.assertIsNone(self.weir.process.poll(), mistake)
      if answer is not None and answer.get("x-wrong") is not None:
        raise HarnessError("%s: %s" % (mistake, answer.get("x-wrong")))
      yield answer

  def check(self, mistake, status, failures=1):
    """Both clients get this status (None: cut off), and so many failures are counted for each."""
    for answer in self.ask(mistake):
      self.assertEqual(None if answer is None else answer.status, status, mistake)
    self.errors += 2 * failures
    # What comes after the answer is counted after it.
    self.weir.wait_stat("plugin.crash_prone.errors", self.errors)

  def logged(self, what):
    return "plugin crash_prone failed: " + what in self.weir.log()

  def test_what_is_thrown_before_an_answer_is_a_500(self):
    for hook in BEFORE:
      self.check("throw:" + hook, 500)

  def test_what_is_thrown_into_an_answer_cuts_it_off(self):
    for hook in AFTER:
      self.check("throw:" + hook, None)

  def test_what_is_thrown_at_the_end_changes_nothing(self):
    for hook in ("complete", "destroy"):
      self.check("throw:" + hook, 200)

  def test_an_answer_that_is_none_fails_the_request(self):
    for status in ("-1", "-2", "-3", "-2147483648", "5", "8", "4711", "2147483647"):
      for hook in BEFORE[1:]:
        self.check("answer:%s:%s" % (hook, status), 500)
      for hook in AFTER:
        self.check("answer:%s:%s" % (hook, status), None)

  def test_whatever_create_answers_but_ok_fails_the_request(self):
    for status in ("-1", "1", "4711"):
      self.check("answer:create:" + status, 500)

  def test_the_log_says_whose_it_was(self):
    # One line a second.
    def throws():
      self.check("throw:response_headers", 500)
      return self.logged("an exception left response_headers")

    def answers():
      self.check("answer:request_headers:-7", 500)
      return self.logged("request_headers answered -7")
    wait_until(throws, "the line of the exception")
    wait_until(answers, "the line of the answer")
    self.assertGreater(self.weir.stat("http.main.filter_failures"), 1)

  def test_who_never_goes_on_has_the_routes_time(self):
    self.check("never", 504, 0)

  def test_the_body_is_not_let_past_who_never_goes_on(self):
    before = len(self.backend.requests)
    self.check("never", 504, 0)
    self.assertEqual(len(self.backend.requests), before)

  def test_going_on_twice_is_going_on(self):
    before = len(self.backend.requests)
    self.check("twice", 200, 0)
    self.assertEqual(len(self.backend.requests), before + 2)

  def test_calls_with_nothing_are_refused(self):
    self.check("nothing", 200, 0)

  def test_calls_with_too_much_are_refused(self):
    self.check("too much", 200, 0)

  def test_writes_out_of_turn_are_refused(self):
    self.check("out of turn", 200, 0)

  def test_late_tickets_do_nothing(self):
    self.check("late ticket", 200, 0)

  def test_of_two_answers_the_first_counts(self):
    for answer in self.ask("two replies"):
      self.assertEqual(answer.status, 201)

  def test_a_failure_goes_before_an_answer(self):
    self.check("reply, then fail", 500)

  def test_after_a_reset_there_is_nothing(self):
    self.check("reset, then touch", None, 0)

  def test_calls_after_the_end_do_nothing(self):
    self.check("after the end", 200, 0)

  def test_a_length_that_is_not_the_bodys_is_no_whole_answer(self):
    # Whoever reads on after it must not take the rest for the next answer.
    for mistake in ("too short a length", "too long a length"):
      client = self.connect()
      client.send(b"GET / HTTP/1.1\r\nhost: a\r\nx-mistake: %s\r\n\r\n" % mistake.encode())
      try:
        answer = client.response()
        self.assertTrue(mistake == "too short a length" and len(answer.body) == 1, answer)
        self.assertEqual(client.rest(), b"")
      except Truncated:
        pass

  def test_many_mistakes_at_once(self):
    mistakes = ["throw:" + hook for hook in BEFORE + AFTER] + ["nothing", "twice", "two replies", "reset, then touch",
                                                               "after the end", "out of turn"]
    served = []

    def well():
      while not done.is_set():
        served.append(self.get_plain_of_its_own())

    done = threading.Event()
    thread = threading.Thread(target=well)
    thread.start()
    asking = [threading.Thread(target=self.ask1, args=(mistake,)) for mistake in mistakes * 3]
    for one in asking:
      one.start()
    for one in asking:
      one.join(harness.DEADLINE)
    done.set()
    thread.join(harness.DEADLINE)
    self.assertEqual(set(served), {200})

  def get_plain_of_its_own(self):
    client = self.weir.connect("well")
    client.send(harness.request("/plain"))
    status = client.response().status
    client.close()
    return status

  def test_a_filter_that_is_null_is_refused_with_its_place(self):
    plugin_build.build("tests/integration/plugins/crash_prone.cc", "crash_refusing", ['-DNAME="crash_refusing"'])
    text = ("listeners: [{address: '127.0.0.1:0', http: {http_filters: [{name: crash_refusing}, {name: mux}], "
            "routes: [{match: {prefix: /}, route: {cluster: a}}]}}]\n"
            "clusters: [{name: a, endpoints: ['127.0.0.1:1']}]\n")
    with tempfile.TemporaryDirectory(prefix="weir-crash-") as directory:
      path = os.path.join(directory, "null.yaml")
      with open(path, "w", encoding="utf-8") as file:
        file.write(text)
      done = subprocess.run([harness.BINARY, "validate", path, "--plugin-path", harness.PLUGINS], capture_output=True,
                            text=True, check=False)
    self.assertEqual(done.returncode, 1, done.stderr)
    self.assertIn("null.yaml:1:", done.stderr)
    self.assertIn("http filter crash_refusing", done.stderr)


if __name__ == "__main__":
  harness.main()
