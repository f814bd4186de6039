#pragma once

#include <string>

#include "core/net/tls_session.h"

struct x509_st;

namespace weir::net::tls {

// What a peer's certificate says, as text for logs, headers and filters. Each allocates; `peer` may
// be null, then all are empty.

std::string SubjectOf(x509_st* peer);  // as RFC 2253 writes it
// Its alternative names of one kind, separated by commas. A name that has a comma, or bytes that
// are not printable ASCII, is left out: it would be read as something else.
std::string AlternativeNamesOf(x509_st* peer, PeerNames kind);
std::string SerialOf(x509_st* peer);       // lower case hex
std::string FingerprintOf(x509_st* peer);  // SHA-256 of the certificate, lower case hex

std::string Hex(const unsigned char* bytes, size_t size);

}  // namespace weir::net::tls
