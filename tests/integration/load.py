"""What wrk and h2load count: no request may fail while processes and configurations change under them."""

import re
import shutil


def program(name):
  path = shutil.which(name)
  if path is None:
    raise AssertionError("%s is not there" % name)
  return path


def check_wrk(test, output, connections_may_end=False):
  test.assertIn("requests in", output)
  test.assertNotIn("Non-2xx", output)
  errors = re.search(r"Socket errors: connect \d+, read (\d+), write \d+, timeout (\d+)", output)
  if errors is None:
    return
  test.assertTrue(connections_may_end, output)  # one that is refused counts as one that cannot be written to
  test.assertEqual(errors.group(2), "0", output)
  # The kernel resets what it had connected and nobody had accepted yet when a listening socket closed.
  test.assertLessEqual(int(errors.group(1)), 2, output)


def check_h2load(test, output, connections, streams):
  """What its library had queued when a GOAWAY came is never sent, and counts as errored: the requests that were to follow
  the answers read just before it."""
  counts = re.search(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, "
                     r"(\d+) timeout", output)
  test.assertIsNotNone(counts, output)
  _, started, done, succeeded, failed, errored, timeout = map(int, counts.groups())
  test.assertGreater(started, 0, output)
  test.assertEqual((failed, timeout), (errored, 0), output)
  # At the end of its time it leaves what is under way.
  test.assertLessEqual(started - done, connections * streams, output)
  test.assertEqual(succeeded + errored, done, output)
  test.assertLessEqual(errored, connections * streams, output)
  test.assertRegex(output, r" 0 3xx, 0 4xx, 0 5xx")
