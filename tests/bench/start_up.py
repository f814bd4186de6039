#!/usr/bin/env python3
"""How long the program takes from its start to the first answer that it is ready, and what it holds at rest, on configs/quickstart.yaml.

    tests/bench/start_up.py build/release [RUNS]

Time: from the fork to the first 200 of /ready, asked again and again (milliseconds; the least, the median, the most). Memory: resident, private and dirty of it, after the process has waited (KiB). The machine should have nothing else to do.
"""

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def memory(pid):
  with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
    text = file.read()
  return [int(re.search(r"^%s:\s+(\d+)" % name, text, re.M).group(1)) for name in ("Rss", "Private_Dirty")]


def ready(addresses):
  """Whether the first line of the answer to GET /ready says 200."""
  try:
    with open(addresses, encoding="ascii") as file:
      host, _, port = dict(line.split() for line in file)["admin"].rpartition(":")
    with socket.create_connection((host, int(port))) as wire:
      wire.sendall(b"GET /ready HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
      return b" 200 " in wire.recv(4096).partition(b"\r\n")[0]
  except (OSError, KeyError):
    return False


def run(build, config, directory):
  addresses = os.path.join(directory, "addresses")
  if os.path.exists(addresses):
    os.unlink(addresses)
  start = time.perf_counter()
  process = subprocess.Popen([os.path.join(build, "weir"), "-c", config, "--concurrency", "2", "--address-file", addresses],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
  try:
    while not ready(addresses):
      if process.poll() is not None:
        raise RuntimeError("the program does not start")
      time.sleep(0.0002)
    took = (time.perf_counter() - start) * 1000
    time.sleep(1.5)
    return [took] + memory(process.pid)
  finally:
    process.terminate()
    process.wait(60)


def main():
  build = sys.argv[1]
  runs = int(sys.argv[2]) if len(sys.argv) > 2 else 20
  config = os.path.join(TREE, "configs", "quickstart.yaml")
  with tempfile.TemporaryDirectory(prefix="weir-start-") as directory:
    rows = [run(build, config, directory) for _ in range(runs)]
  print("configs/quickstart.yaml, two workers, %d runs" % runs)
  for what, column in zip(("start-up, ms", "resident, KiB", "private dirty, KiB"), zip(*rows)):
    print("%-20s least %8.1f  median %8.1f  most %8.1f" % (what, min(column), statistics.median(column), max(column)))


if __name__ == "__main__":
  main()
