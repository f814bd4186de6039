"""Certificates for tests, made by the openssl program when they are wanted: no key is kept in the tree."""

import os
import ssl
import subprocess


def _openssl(*arguments):
  subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


class Authority:
  """An authority with a directory; its certificates are files in there."""

  def __init__(self, directory, name="root"):
    self.directory = directory
    self.cert = self.path(name + "-ca.pem")
    self.key = self.path(name + "-ca.key")
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out",
             self.cert, "-days", "30", "-subj", "/CN=" + name)

  def path(self, name):
    return os.path.join(self.directory, name)

  def issue(self, name, names=(), rsa=False, days=30):
    """(certificate, key) for subjectAltNames such as "DNS:a.test" and "IP:127.0.0.1"."""
    cert, key, request, extensions = (self.path(name + end) for end in (".pem", ".key", ".csr", ".ext"))
    kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    _openssl("req", "-newkey", *kind, "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=" + name)
    with open(extensions, "w", encoding="ascii") as file:
      file.write("basicConstraints=CA:FALSE\n")
      if names:
        file.write("subjectAltName=%s\n" % ",".join(names))
    _openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-out", cert, "-days",
             str(days), "-extfile", extensions)
    return cert, key


def client_context(authority=None, cert=None, alpn=(), least=None, most=None):
  context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
  if authority is None:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
  else:
    context.load_verify_locations(authority.cert)
  if cert:
    context.load_cert_chain(*cert)
  if alpn:
    context.set_alpn_protocols(list(alpn))
  if least:
    context.minimum_version = least
  if most:
    context.maximum_version = most
  return context


def server_context(cert, authority=None):
  """With an authority, clients must show a certificate."""
  context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
  context.load_cert_chain(*cert)
  if authority is not None:
    context.load_verify_locations(authority.cert)
    context.verify_mode = ssl.CERT_REQUIRED
  return context


def wrap(wire, context, name=None, session=None):
  """Makes a harness.Wire speak TLS. A name: in the place of the client. An end without close_notify is an error."""
  wire.sock = context.wrap_socket(wire.sock, server_side=name is None, server_hostname=name, session=session,
                                  suppress_ragged_eofs=False)
  return wire
