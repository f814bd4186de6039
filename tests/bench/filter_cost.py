#!/usr/bin/env python3
"""What HTTP filters cost: instructions in user space of one request, HTTP/1.1 on both sides, by callgrind.

    tests/bench/filter_cost.py build/release

Each figure is the difference of two runs, so without the start of the program. Valgrind's clock runs faster than its
instructions: hooks that take no time of note are recorded as if they did, which costs more than it does outside.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REQUEST = (b"GET /index.html HTTP/1.1\r\nhost: bench.test\r\nuser-agent: bench/1.0\r\naccept: */*\r\n"
           b"accept-encoding: gzip\r\n\r\n")
ANSWER = (b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nserver: bench\r\ncontent-length: 128\r\n\r\n" + b"x" * 128)
FEW, MANY = 300, 1300


def backend():
  listener = socket.create_server(("127.0.0.1", 0))

  def serve(wire):
    with wire:
      data = b""
      while True:
        got = wire.recv(65536)
        if not got:
          return
        data += got
        while b"\r\n\r\n" in data:
          data = data.partition(b"\r\n\r\n")[2]
          wire.sendall(ANSWER)

  def accept():
    while True:
      wire, _ = listener.accept()
      wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
      threading.Thread(target=serve, args=(wire,), daemon=True).start()
  threading.Thread(target=accept, daemon=True).start()
  return listener.getsockname()[1]


def ask(address, count):
  host, _, port = address.rpartition(":")
  with socket.create_connection((host, int(port))) as wire:
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(count):
      wire.sendall(REQUEST)
      data = b""
      while not data.endswith(b"x" * 128):
        got = wire.recv(65536)
        if not got:
          raise RuntimeError("the program closed the connection")
        data += got


def run(build, plugins, port, filters, count, directory):
  """Instructions of the whole program while it served so many requests."""
  text = {"listeners": [{"name": "main", "address": "127.0.0.1:0", "http": {
      "http_filters": [{"name": name} for name in filters] + [{"name": "mux"}],
      "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "app"}}]}}],
          "clusters": [{"name": "app", "endpoints": ["127.0.0.1:%d" % port]}]}
  path, addresses, out = (os.path.join(directory, name) for name in ("config.yaml", "addresses", "callgrind.out"))
  for old in (addresses, out):
    if os.path.exists(old):
      os.unlink(old)
  with open(path, "w", encoding="utf-8") as file:
    json.dump(text, file)
  command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out, os.path.join(build, "weir"), "-c", path,
             "--plugin-path", plugins, "--concurrency", "1", "--address-file", addresses]
  process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
  try:
    end = time.monotonic() + 60
    while not os.path.exists(addresses) or not open(addresses, encoding="utf-8").read().strip():
      if time.monotonic() > end or process.poll() is not None:
        raise RuntimeError("the program does not start")
      time.sleep(0.05)
    with open(addresses, encoding="utf-8") as file:
      address = re.search(r"127\.0\.0\.1:\d+", file.read()).group(0)
    ask(address, count)
  finally:
    process.terminate()
    process.wait(60)
  with open(out, encoding="utf-8") as file:
    return int(re.search(r"^(?:summary|totals): (\d+)", file.read(), re.MULTILINE).group(1))


def main():
  build = sys.argv[1]
  port = backend()
  with tempfile.TemporaryDirectory(prefix="weir-filter-cost-") as directory:
    names = {kind: ["%s%d" % (kind, i) for i in range(5)] for kind in ("nothing", "token")}
    for kind in names:
      for name in names[kind]:
        subprocess.run(["cc", "-std=c11", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-I" + TREE,
                        '-DCOST_NAME="%s"' % name] + ["-DCOST_TOKEN"] * (kind == "token") +
                       [os.path.join(TREE, "tests/bench/filter_cost.c"), "-o", os.path.join(directory, name + ".so")],
                       check=True)
    plugins = directory + ":" + os.path.join(build, "plugins.d")
    base = None
    for what, filters in (("no filter", []), ("five that override nothing", names["nothing"]),
                          ("five that read a field by token", names["token"])):
      runs = [run(build, plugins, port, filters, count, directory) for count in (FEW, MANY)]
      each = (runs[1] - runs[0]) / (MANY - FEW)
      base = each if base is None else base
      print("%-34s %8.0f instructions a request, %+.0f" % (what, each, each - base), flush=True)


if __name__ == "__main__":
  main()
