#!/usr/bin/env python3
"""What a scrape of many series does to requests: their times with a scrape every half second, and without, in turns.

    tests/bench/scrape.py build/release [ROUNDS [SECONDS]]

The configuration has so many clusters that /stats/prometheus has more than 10,000 series. One client asks over one connection,
one request after the other, of a backend that answers at once; wrk is not used, for it does not tell single requests. Of the
requests with scrapes those are told apart that a scrape was under way beside. curl scrapes, in a process of its own.
"""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

CLUSTERS = 100
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
REQUEST = b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"


def backend():
  listener = socket.create_server(("127.0.0.1", 0))

  def serve(wire):
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while wire.recv(65536):
      wire.sendall(ANSWER)

  def accept():
    while True:
      threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
  threading.Thread(target=accept, daemon=True).start()
  return listener.getsockname()[1]


def ask(address, seconds):
  """When requests began, in seconds, and their times, in microseconds."""
  times = []
  host, _, port = address.rpartition(":")
  with socket.create_connection((host, int(port))) as wire:
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
      start = time.perf_counter()
      wire.sendall(REQUEST)
      if not wire.recv(65536).endswith(b"ok"):
        raise RuntimeError("a wrong answer")
      times.append((start, (time.perf_counter() - start) * 1e6))
  return times


def scrape(admin, directory, over, taken):
  """Keeps of each scrape when it began and ended, in seconds, and what came, as a file."""
  path = os.path.join(directory, "scrape")
  while not over.wait(0.5):
    start = time.perf_counter()
    command = ["curl", "-s", "-f", "-o", path, "-w", "%{time_total}", "http://%s/stats/prometheus" % admin]
    total = float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    taken.append((start, time.perf_counter(), total * 1e3))


def beside(times, taken):
  """The requests that a scrape was under way beside, and the rest."""
  ours, rest, at = [], [], 0
  for start, took in times:
    while at < len(taken) and taken[at][1] < start:
      at += 1
    under_way = at < len(taken) and taken[at][0] < start + took / 1e6
    (ours if under_way else rest).append((start, took))
  return ours, rest


def row(what, times):
  times = sorted(took for _, took in times)
  at = lambda share: times[min(len(times) - 1, int(len(times) * share))]
  print("%-16s %7d requests  p50 %6.1f  p99 %6.1f  p99.9 %7.1f  most %8.1f us" %
        (what, len(times), at(0.5), at(0.99), at(0.999), times[-1]), flush=True)


def main():
  build = sys.argv[1]
  rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 4
  seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 5
  port = backend()
  with tempfile.TemporaryDirectory(prefix="weir-scrape-") as directory:
    clusters = [{"name": "cluster%d" % i, "endpoints": ["127.0.0.1:%d" % port]} for i in range(CLUSTERS)]
    config = {"admin": {"address": "127.0.0.1:0"}, "clusters": clusters, "listeners": [
        {"name": "main", "address": "127.0.0.1:0", "http": {"routes": [
            {"match": {"prefix": "/%d/" % i}, "route": {"cluster": "cluster%d" % i}} for i in range(CLUSTERS)] +
            [{"match": {"prefix": "/"}, "route": {"cluster": "cluster0"}}]}}]}
    path, addresses = os.path.join(directory, "config.yaml"), os.path.join(directory, "addresses")
    with open(path, "w", encoding="utf-8") as file:
      json.dump(config, file)
    process = subprocess.Popen([os.path.join(build, "weir"), "-c", path, "--concurrency", "1", "--address-file", addresses],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
      while not os.path.exists(addresses):
        time.sleep(0.01)
      with open(addresses, encoding="utf-8") as file:
        bound = dict(line.split() for line in file)
      ask(bound["main"], 1)
      quiet, scraped, taken = [], [], []
      for _ in range(rounds):
        quiet += ask(bound["main"], seconds)
        over = threading.Event()
        thread = threading.Thread(target=scrape, args=(bound["admin"], directory, over, taken))
        thread.start()
        scraped += ask(bound["main"], seconds)
        over.set()
        thread.join()
      with open(os.path.join(directory, "scrape"), "rb") as file:
        text = file.read()
    finally:
      process.terminate()
      process.wait(60)
  row("without scrapes", quiet)
  ours, rest = beside(scraped, taken)
  row("between scrapes", rest)
  row("beside a scrape", ours)
  took = [one[2] for one in taken]
  print("%d scrapes of %d series, %d KiB: median %.1f ms, most %.1f ms" %
        (len(took), len(re.findall(rb"^[^#\n]", text, re.M)), len(text) // 1024, statistics.median(took), max(took)))


if __name__ == "__main__":
  main()
