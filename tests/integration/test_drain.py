"""Signals: a drain that fails no request, a second signal, logs that are opened again."""

import os
import re
import signal
import subprocess
import threading
import time

import harness
import load
from harness import WeirTest, ok, request, wait_until

ACCESS_LINE = re.compile(
    r'^\[(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)\] "(?P<method>\S+) (?P<path>\S+) (?P<protocol>\S+)" '
    r'(?P<status>\d+) (?P<flags>\S+) (?P<received>\d+) (?P<sent>\d+) (?P<duration>\d+) (?P<service>-|\d+) '
    r'"(?P<forwarded>[^"]*)" "(?P<agent>[^"]*)" "(?P<id>[^"]*)" "(?P<authority>[^"]*)" "(?P<upstream>[^"]*)"$')


class DrainTest(WeirTest):
  """Each test ends its own process."""

  def setUp(self):
    super().setUp()
    type(self).restart()

  def tearDown(self):
    for client in self.clients:
      client.close()
    self.weir.kill()
    self.backend.reset()

  @classmethod
  def tearDownClass(cls):
    cls.weir.kill()


class Drain(DrainTest):

  def exits(self, seconds=harness.DEADLINE, code=0):
    self.assertEqual(self.weir.wait_exit(seconds), code)
    self.weir.check_log()

  def test_idle_process_ends_at_once(self):
    self.weir.signal(signal.SIGTERM)
    self.exits(2 * harness.SLOW + 1)

  def test_sigint_drains_too(self):
    self.weir.signal(signal.SIGINT)
    self.exits()

  def test_a_running_request_is_finished_and_the_connection_closed(self):
    go = threading.Event()

    def script(wire):
      wire.request()
      go.wait(harness.DEADLINE)
      wire.send(ok(b"in time"))
    self.backend.script = script
    client = self.connect()
    client.send(request())
    wait_until(self.backend.total_received, "the request")
    self.weir.signal(signal.SIGTERM)
    wait_until(lambda: "draining" in self.weir.log(), "the drain")
    go.set()
    response = client.response()
    self.assertEqual((response.body, response.closes()), (b"in time", True))
    self.assertTrue(client.at_end())
    client.close()
    self.exits()

  def test_a_body_on_its_way_is_finished(self):
    go = threading.Event()

    def script(wire):
      wire.request()
      wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 500000)
      go.wait(harness.DEADLINE)
      wire.send(b"y" * 500000)
    self.backend.script = script
    client = self.connect()
    client.send(request())
    client.fill()
    self.weir.signal(signal.SIGTERM)
    wait_until(lambda: "draining" in self.weir.log(), "the drain")
    go.set()
    self.assertEqual(len(client.response().body), 1000000)
    client.close()
    self.exits()

  def test_new_connections_are_refused_after_those_that_waited(self):
    go = threading.Event()

    def script(wire):
      wire.request()
      go.wait(harness.DEADLINE)
      wire.send(ok())
    self.backend.script = script
    client = self.connect()
    client.send(request())
    wait_until(self.backend.total_received, "the request")
    self.weir.signal(signal.SIGTERM)

    def refused():
      try:
        self.weir.connect().close()
      except ConnectionError:
        return True
      return False
    wait_until(refused, "connections to be refused")
    go.set()
    self.assertEqual(client.response().status, 200)
    client.close()
    self.exits()

  def test_an_idle_client_is_still_answered_once(self):
    client = self.connect()
    client.send(request("/1")).response()
    self.weir.signal(signal.SIGTERM)
    wait_until(lambda: "draining" in self.weir.log(), "the drain")
    if not client.has_input(0.05):  # the connection is not ended under a client that may be sending
      response = client.send(request("/2")).response()
      self.assertEqual((response.body, response.closes()), (b"/2", True))
    client.close()
    self.exits()

  def test_a_second_signal_ends_at_once(self):
    self.backend.script = lambda wire: (wire.request(), wire.rest())
    client = self.connect()
    client.send(request())
    wait_until(self.backend.total_received, "the request")
    self.weir.signal(signal.SIGTERM)
    wait_until(lambda: "draining" in self.weir.log(), "the drain")
    self.weir.signal(signal.SIGTERM)
    self.assertEqual(self.weir.wait_exit(3 * harness.SLOW + 1), 128 + signal.SIGTERM)

  def test_admin_says_draining(self):
    go = threading.Event()

    def script(wire):
      wire.request()
      go.wait(harness.DEADLINE)
      wire.send(ok())
    self.backend.script = script
    client = self.connect()
    client.send(request())
    wait_until(self.backend.total_received, "the request")
    self.assertEqual(self.weir.ask_admin("/ready").status, 200)
    self.weir.signal(signal.SIGTERM)
    wait_until(lambda: self.weir.ask_admin("/ready").status == 503, "the admin to say so")
    go.set()
    self.assertEqual(client.response().status, 200)
    client.close()
    self.exits()


class DrainTime(DrainTest):
  options = ("--drain-time", "1s")

  def test_what_does_not_end_in_time_is_cut(self):
    self.backend.script = lambda wire: (wire.request(), wire.rest())
    client = self.connect()
    client.send(request())
    wait_until(self.backend.total_received, "the request")
    began = time.monotonic()
    self.weir.signal(signal.SIGTERM)
    self.assertEqual(self.weir.wait_exit(), 0)
    self.assertGreater(time.monotonic() - began, 0.8)

  def test_silent_idle_connections_do_not_hold_it_longer(self):
    clients = [self.connect() for _ in range(50)]
    for client in clients[:25]:
      client.send(request()).response()
    self.weir.signal(signal.SIGTERM)
    self.assertEqual(self.weir.wait_exit(), 0)


class DrainUnderLoad(DrainTest):
  concurrency = 2
  http = {"access_log": "access.txt"}

  def test_no_request_on_an_accepted_connection_fails(self):
    failures = []
    unborn = []
    served = [0]
    stop = threading.Event()

    def work():
      while not stop.is_set():
        try:
          client = self.weir.connect()
        except ConnectionError:
          return  # refused: not accepted
        try:
          for number in range(20):
            client.send(request("/%d" % number))
            response = client.response()
            if response.status != 200:
              failures.append(response)
            served[0] += 1
            if response.closes():
              break
        except (ConnectionError, harness.Truncated, OSError) as error:
          # The kernel resets what it had connected and nobody had accepted yet when a listening socket closed.
          lost = unborn if number == 0 and not client.buffer and isinstance(error, ConnectionResetError) else failures
          lost.append("request %d: %r, %r" % (number, error, client.buffer))
          return
        finally:
          client.close()
    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
      thread.start()
    wait_until(lambda: served[0] > 500, "some load")
    self.weir.signal(signal.SIGTERM)
    code = self.weir.wait_exit()
    stop.set()
    for thread in threads:
      thread.join()
    self.assertEqual(failures, [])
    self.assertLessEqual(len(unborn), 2, unborn)
    self.assertEqual(code, 0)
    self.weir.check_log()

  def drain_under(self, program, *options):
    """Its connections end with the drain and cannot be made again, which is all that it may complain of."""
    process = subprocess.Popen([load.program(program), *options, "http://%s/x" % self.weir.addresses["main"]],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    self.addCleanup(process.kill)
    wait_until(lambda: self.weir.stat("http.main.downstream_rq_total") > 200, "some load")
    self.weir.signal(signal.SIGTERM)
    self.assertEqual(self.weir.wait_exit(), 0)
    self.weir.check_log()
    return process.communicate(timeout=harness.DEADLINE)[0].decode()

  def test_wrk_sees_no_failure(self):
    log = load.Log(self.weir.path("access.txt"))
    output = self.drain_under("wrk", "-t1", "-c20", "-d2s")
    log.check(self, load.check_wrk(self, output, 20, connections_may_end=True))

  def test_h2load_sees_no_failure(self):
    log = load.Log(self.weir.path("access.txt"))
    output = self.drain_under("h2load", "-c10", "-m10", "-D2")
    log.check(self, load.check_h2load(self, [output], 10, 10))


class DrainDelay(DrainTest):
  """Between the signal and the drain it serves on, and says that it is not ready."""
  options = ("--drain-delay", "5m")

  def test_it_serves_until_the_delay_is_over(self):
    client = self.connect()
    client.send(request("/1")).response()
    self.weir.signal(signal.SIGTERM)
    wait_until(lambda: self.weir.ask_admin("/ready").status == 503, "the admin to say so")
    self.assertEqual(self.weir.ask_admin("/ready").body, b"DRAINING\n")
    response = client.send(request("/2")).response()
    self.assertEqual((response.status, response.closes()), (200, False))
    response = self.get("/3")
    self.assertEqual((response.status, response.closes()), (200, False))
    self.weir.signal(signal.SIGINT)
    self.assertEqual(self.weir.wait_exit(), 128 + signal.SIGINT, "a second signal")


class ShortDrainDelay(DrainTest):
  options = ("--drain-delay", "700ms")

  def test_connections_drain_after_the_delay(self):
    client = self.connect()
    client.send(request("/1")).response()
    began = time.monotonic()
    self.weir.signal(signal.SIGTERM)
    wait_until(lambda: "draining, for" in self.weir.log(), "the drain")
    self.assertGreaterEqual(time.monotonic() - began, 0.6)
    response = client.send(request("/2")).response()
    self.assertEqual((response.status, response.closes()), (200, True))
    client.close()
    self.assertEqual(self.weir.wait_exit(), 0)
    self.weir.check_log()


class AccessLog(WeirTest):
  http = {"access_log": "access.txt"}

  def lines(self, count, name="access.txt"):
    path = self.weir.path(name)

    def read():
      if not os.path.exists(path):
        return None
      with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
      return lines if len(lines) >= count else None
    return wait_until(read, "%d lines in the log" % count)

  def setUp(self):
    super().setUp()
    path = self.weir.path("access.txt")
    self.at = 0
    if os.path.exists(path):
      with open(path, encoding="utf-8") as file:
        self.at = len(file.read().splitlines())

  def new(self, count):
    lines = self.lines(self.at + count)[self.at:]
    return [ACCESS_LINE.match(line) or self.fail(line) for line in lines]

  def test_fields_of_a_line(self):
    self.get("/path?q=1", [("user-agent", "tester/1.0")], method="POST", body=b"hello", host="log.test")
    line = self.new(1)[0]
    self.assertEqual(line.group("method", "path", "protocol", "status", "flags", "received", "sent"),
                     ("POST", "/path?q=1", "HTTP/1.1", "200", "-", "5", "9"))
    self.assertEqual(line.group("agent", "authority", "upstream", "forwarded"),
                     ("tester/1.0", "log.test", self.backend.address, "127.0.0.1"))
    self.assertEqual(line.group("id"), self.backend.requests[0].get("x-request-id"))

  def test_every_request_has_one_line(self):
    client = self.connect()
    client.send(b"".join(request("/%d" % n) for n in range(100)))
    for _ in range(100):
      client.response()
    self.assertEqual([line.group("path") for line in self.new(100)], ["/%d" % n for n in range(100)])

  def test_line_of_a_failed_backend(self):
    def script(wire):
      wire.request()
    self.backend.script = script
    self.assertIn(self.get("/x", method="POST", body=b"x").status, (502, 503))
    line = self.new(1)[0]
    self.assertIn(line.group("status"), ("502", "503"))
    self.assertEqual(line.group("flags"), "UC")

  def test_line_of_a_bad_request(self):
    client = self.connect()
    client.send(b"GET /x HTTP/1.1\r\n\r\n").response()
    line = self.new(1)[0]
    self.assertEqual(line.group("status", "flags"), ("400", "DPE"))

  def test_line_of_a_client_that_went_away(self):
    self.backend.script = lambda wire: (wire.request(), wire.rest())
    client = self.connect()
    client.send(request("/gone"))
    wait_until(self.backend.total_received, "the request")
    client.rst()
    line = self.new(1)[0]
    self.assertEqual(line.group("path", "status", "flags"), ("/gone", "0", "DC"))

  def test_what_a_client_sends_cannot_forge_a_line(self):
    self.get("/x", [("user-agent", 'a" 200 "b\\')])
    path = self.weir.path("access.txt")
    with open(path, encoding="utf-8") as file:
      self.lines(self.at + 1)
      self.assertNotIn('a" 200 "b', file.read())

  def test_sigusr1_opens_the_file_again(self):
    self.get("/before")
    self.lines(self.at + 1)
    os.rename(self.weir.path("access.txt"), self.weir.path("rotated.txt"))
    self.weir.signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(self.weir.path("access.txt")), "the new file")
    self.get("/after")
    self.assertIn("GET /after ", self.lines(1)[-1])
    self.assertIn("GET /before ", self.lines(1, "rotated.txt")[-1])


if __name__ == "__main__":
  harness.main()
