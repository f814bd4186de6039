"""What the tests of filters share: the same requests over HTTP/1.1 and HTTP/2."""

import contextlib

import h1_peer
import h2_peer
from harness import WeirTest


class FilterTest(WeirTest):
  """Tests of a filter. Each runs its requests over both protocols: `for name, client in self.clients()`."""

  @contextlib.contextmanager
  def client(self, protocol, name="main"):
    wire = self.connect(name)
    client = h1_peer.Client(wire) if protocol == "h1" else h2_peer.Connection(wire).begin()
    try:
      yield client
    finally:
      client.close()
    if protocol == "h2":
      self.assertEqual(client.errors, [])

  def over_both(self, check):
    """Runs check(client) with a client of each protocol."""
    for protocol in ("h1", "h2"):
      with self.subTest(protocol), self.client(protocol) as client:
        check(client)

  @staticmethod
  def ask(client, path="/", fields=(), method="GET"):
    return client.start(method, path, fields).response()
