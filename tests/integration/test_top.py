"""`weir top`: one table as plain text, and a live screen in a terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

import harness
from harness import Weir, WeirTest, cluster, config, listener, main, wait_until

TOKEN = "a-token-of-the-tests"


def top(*options, stdout=subprocess.PIPE):
  return subprocess.run([harness.BINARY, "top", *options], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                        timeout=harness.DEADLINE, check=False)


class Screen:
  """`weir top` in a terminal of its own."""

  def __init__(self, rows, columns, *options):
    self.master, self.slave = pty.openpty()
    self.resize(rows, columns)
    self.before = termios.tcgetattr(self.slave)
    self.process = subprocess.Popen([harness.BINARY, "top", *options], stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                    preexec_fn=self._own)
    self.text = ""

  def _own(self):
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

  def resize(self, rows, columns):
    fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

  def read(self):
    while select.select([self.master], [], [], 0)[0]:
      self.text += os.read(self.master, 65536).decode()
    return self.text

  def frames(self):
    """What was drawn, a list of lines for each time, without colours."""
    drawn = [re.sub("\x1b\\[[0-9;]*m", "", frame) for frame in self.read().split("\x1b[H")[1:]]
    return [frame.replace("\x1b[K", "").split("\x1b[J")[0].split("\r\r\n") for frame in drawn if "\x1b[J" in frame]

  def wait(self, condition, what):
    return wait_until(lambda: any(condition(frame) for frame in self.frames()), lambda: "%s in %r" % (what, self.text[-3000:]))

  def key(self, text):
    os.write(self.master, text)

  def end(self):
    self.read()
    code = self.process.wait(harness.DEADLINE)
    self.read()
    return code

  def close(self):
    if self.process.poll() is None:
      self.process.kill()
      self.process.wait()
    os.close(self.master)
    os.close(self.slave)


class TestTop(WeirTest):

  def setUp(self):
    super().setUp()
    self.url = "http://" + self.weir.addresses["admin"]

  def screen(self, rows=24, columns=80, *options):
    screen = Screen(rows, columns, "--url", self.url, "--interval", "200ms", *options)
    self.addCleanup(screen.close)
    return screen

  def test_once_it_prints_a_table_of_plain_text(self):
    self.assertEqual(self.get().status, 200)
    wait_until(lambda: b"requests/s   " in top("--once", "--url", self.url).stdout, "a sample")
    for options in (["--once"], []):  # what it writes to is no terminal
      run = top("--url", self.url, *options)
      self.assertEqual((run.returncode, run.stderr), (0, b""))
      text = run.stdout.decode()
      self.assertNotIn("\x1b", text)
      self.assertRegex(text, r"^weir \S+  LIVE  up ")
      self.assertRegex(text, r"\nLISTENER +ADDRESS +CONN +REQ/S")
      self.assertRegex(text, r"\nmain +%s +\d" % re.escape(self.weir.addresses["main"]))
      self.assertRegex(text, r"\napp +1/1 ")
      self.assertRegex(text, r"\n  %s +healthy " % re.escape(self.backend.address))

  def test_in_a_terminal_it_is_live_and_gives_the_terminal_back(self):
    screen = self.screen()
    screen.wait(lambda frame: frame[0].startswith("weir "), "the first line")
    screen.wait(lambda frame: any(line.startswith("main") for line in frame), "the listener")
    drawn = len(screen.frames())
    wait_until(lambda: len(screen.frames()) > drawn + 1, "a further look")
    self.assertTrue(all(len(frame) == 24 for frame in screen.frames()))
    screen.key(b"q")
    self.assertEqual(screen.end(), 0)
    self.assertTrue(screen.text.startswith("\x1b[?1049h"), screen.text[:20])
    self.assertTrue(screen.text.endswith("\x1b[?25h\x1b[?1049l"), screen.text[-40:])
    self.assertEqual(termios.tcgetattr(screen.slave), screen.before)

  def test_it_follows_the_size_of_its_terminal(self):
    screen = self.screen(24, 80)
    screen.wait(lambda frame: len(frame) == 24, "24 rows")
    screen.resize(12, 44)
    screen.wait(lambda frame: len(frame) == 12 and all(len(line) <= 44 for line in frame), "12 rows of 44")
    screen.key(b"q")
    self.assertEqual(screen.end(), 0)

  def test_a_signal_ends_it_as_q_does(self):
    for number in (signal.SIGINT, signal.SIGTERM):
      screen = self.screen()
      screen.wait(lambda frame: frame[0].startswith("weir "), "the first line")
      screen.process.send_signal(number)
      self.assertEqual(screen.end(), 0)
      self.assertEqual(termios.tcgetattr(screen.slave), screen.before)

  def test_paused_it_asks_no_more(self):
    screen = self.screen()
    screen.wait(lambda frame: frame[0].startswith("weir "), "the first line")
    screen.key(b"p")
    screen.wait(lambda frame: frame[-1].startswith("PAUSED"), "the word")
    screen.key(b"p")
    wait_until(lambda: not screen.frames()[-1][-1].startswith("PAUSED"), "going on")
    screen.key(b"q")
    self.assertEqual(screen.end(), 0)

  def test_when_the_server_goes_it_says_so_and_waits(self):
    weir = Weir(config([listener("main")], [cluster("app", self.backend.address)]))
    self.addCleanup(weir.kill)
    self.url = "http://" + weir.addresses["admin"]
    screen = self.screen()
    screen.wait(lambda frame: any(line.startswith("main") for line in frame), "the listener")
    weir.stop()
    screen.wait(lambda frame: frame[-1].startswith("NO ANSWER: ") and any(line.startswith("main") for line in frame), "the reason")
    screen.key(b"q")
    self.assertEqual(screen.end(), 0)

  def test_without_a_server_it_fails_with_the_reason(self):
    held, address = harness.closed_port()
    self.addCleanup(held.close)
    run = top("--once", "--url", "http://" + address)
    self.assertEqual((run.returncode, run.stdout), (1, b""))
    self.assertEqual(run.stderr.decode(), "weir top: %s: Connection refused\n" % address)
    run = top("--once", "--url", "http://" + self.weir.addresses["main"])
    self.assertEqual((run.returncode, run.stdout), (1, b""))
    self.assertIn(b"no dashboard", run.stderr)

  def test_it_shows_the_token_that_it_has_in_a_file(self):
    made = config([listener("main")], [cluster("app", self.backend.address)])
    made["admin"]["token"] = {"inline_string": TOKEN}
    weir = Weir(made)
    self.addCleanup(weir.kill)
    with open(weir.path("token"), "w", encoding="ascii") as file:
      file.write(TOKEN + "\n")
    url = "http://" + weir.addresses["admin"]
    run = top("--once", "--url", url)
    self.assertEqual(run.returncode, 1)
    self.assertIn(b"--token-file", run.stderr)
    run = top("--once", "--url", url, "--token-file", weir.path("token"))
    self.assertEqual((run.returncode, run.stderr), (0, b""))
    self.assertIn(b"\nmain ", run.stdout)
    weir.stop()

  def test_what_it_cannot_do_is_wrong_use(self):
    for options in (["--url", "ftp://a"], ["--url", "http://a:b"], ["--token-file", "/nonexistent"], ["--interval", "1ms"],
                    ["--interval", "2"]):
      self.assertEqual(top("--once", *options).returncode, 2, options)


if __name__ == "__main__":
  main()
