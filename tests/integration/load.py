"""What wrk and h2load count: no request may fail while processes and configurations change under them.

What they tell is held against the access log, which has a line for each request that reached Weir: each of them was answered
with 200, and its answer counted by the client, or was under way when the client itself left at the end of its time."""

import collections
import os
import re
import shutil
import subprocess
import threading

import harness
from harness import wait_until


def program(name):
  path = shutil.which(name)
  if path is None:
    raise AssertionError("%s is not there" % name)
  return path


class Counted:
  """What clients have told, summed: requests that were answered, and those that they left without waiting."""

  def __init__(self):
    self.answered = self.left = 0


class Log:
  """The lines that come into the access log from now on."""

  def __init__(self, path):
    self.path = path
    self.begin = os.path.getsize(path) if os.path.exists(path) else 0

  def ends(self):
    """(status, flags) of the requests, and how many there were of each."""
    with open(self.path, encoding="utf-8") as file:
      file.seek(self.begin)
      lines = file.read().splitlines()
    return collections.Counter(re.search(r'" (\d+) (\S+) \d+ \d+ \d+ ', line).groups() for line in lines)

  def check(self, test, counted):
    """The client has gone, so that every request has its line soon."""
    wait_until(lambda: sum(self.ends().values()) >= counted.answered, lambda: "the lines: %r" % self.ends())
    ends = self.ends()
    test.assertEqual({end for end in ends if end != ("200", "-") and end[1] != "DC"}, set(), ends)
    gone = sum(count for (_, flags), count in ends.items() if flags == "DC")
    told = "%r, %d answered, %d left" % (ends, counted.answered, counted.left)
    test.assertLessEqual(gone, counted.left, told)
    test.assertGreaterEqual(sum(ends.values()), counted.answered, told)
    test.assertLessEqual(sum(ends.values()), counted.answered + counted.left, told)


def check_wrk(test, output, connections, connections_may_end=False):
  counts = re.search(r"(\d+) requests in", output)
  test.assertIsNotNone(counts, output)
  test.assertGreater(int(counts.group(1)), 0, output)
  test.assertNotIn("Non-2xx", output)
  counted = Counted()
  counted.answered, counted.left = int(counts.group(1)), connections
  errors = re.search(r"Socket errors: connect \d+, read (\d+), write \d+, timeout (\d+)", output)
  if errors is None:
    return counted
  test.assertTrue(connections_may_end, output)  # one that is refused counts as one that cannot be written to
  test.assertEqual(errors.group(2), "0", output)
  # The kernel resets what it had connected and nobody had accepted yet when a listening socket closed.
  test.assertLessEqual(int(errors.group(1)), 2, output)
  return counted


def check_h2load(test, outputs, connections, streams):
  """What its library had queued when a GOAWAY came is never sent, and counts as errored: the requests that were to follow
  the answers read just before it. That they never came is for Log.check."""
  counted = Counted()
  for output in outputs:
    counts = re.search(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, "
                       r"(\d+) timeout", output)
    test.assertIsNotNone(counts, output)
    _, started, done, succeeded, failed, errored, timeout = map(int, counts.groups())
    test.assertEqual((failed, timeout), (errored, 0), output)
    # At the end of its time it leaves what is under way.
    test.assertLessEqual(started - done, connections * streams, output)
    test.assertEqual(succeeded + errored, done, output)
    test.assertLessEqual(errored, connections * streams, output)
    test.assertRegex(output, r" 0 3xx, 0 4xx, 0 5xx")
    counted.answered += succeeded
    counted.left += started - done
  test.assertGreater(counted.answered, 0, outputs)
  return counted


class H2Loads:
  """h2load stops when a connection is to end, and is started again, until the end is asked for."""

  def __init__(self, url, connections=10, streams=10):
    self.command = [program("h2load"), "-c%d" % connections, "-m%d" % streams, "-D1", url]
    self.connections, self.streams = connections, streams
    self.outputs = []
    self.over = threading.Event()
    self.failure = None
    self.thread = threading.Thread(target=self.run, daemon=True)
    self.thread.start()

  def run(self):
    try:
      while not self.over.is_set():
        self.outputs.append(subprocess.run(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                                           timeout=harness.DEADLINE).stdout)
    except Exception as error:  # pylint: disable=broad-except
      self.failure = error

  def going(self):
    return self.thread.is_alive()

  def end(self, test):
    """Checks what all runs told, and sums it."""
    self.over.set()
    self.thread.join()
    if self.failure is not None:
      raise self.failure
    return check_h2load(test, self.outputs, self.connections, self.streams)
