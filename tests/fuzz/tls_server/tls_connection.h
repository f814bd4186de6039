// A TLS session with an end of ours under test, in either position, and an honest peer behind a
// wire that the input owns: it cuts, changes, drops, doubles and reorders what the peer sends, and
// puts bytes of its own before, between and instead. Whatever it does: what is read is what the
// peer wrote, from its start and in order; an end that nobody announced does not look like one;
// nothing is asked for in vain; nothing is held without bound, and nothing at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/net/tls/client_context.h"
#include "core/net/tls/tls_io.h"
#include "tests/support/fake_io.h"

namespace weir::net::tls::test {

struct TlsFuzzContexts;

class TlsConnection {
 public:
  TlsConnection(TlsIo::Position position, const uint8_t* data, size_t size);
  ~TlsConnection();
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  // To the end of the input. Aborts when a rule is broken.
  void Run();

 private:
  class End;

  uint32_t Take(uint32_t octets);
  void Connect(uint32_t which);
  void Step();
  // What the peer sent and the wire still has; `n` octets of it, or more, arrive.
  void Deliver(size_t n);
  void Inject(const std::string& bytes);
  void Tamper(uint32_t how);
  void PeerActs(uint32_t how);
  void EndActs(uint32_t how);
  void PassToPeer();
  size_t RecordSize(size_t at) const;
  void Check() const;

  const TlsIo::Position position_;
  const uint8_t* data_;
  size_t left_;
  TlsFuzzContexts* contexts_;
  std::unique_ptr<ClientContext> client_context_;
  ClientContext::Peer* remembered_ = nullptr;
  std::unique_ptr<End> end_;   // under test
  std::unique_ptr<End> peer_;  // honest
  std::string wire_;           // from the peer
  uint32_t controls_ = 0;
  bool tampered_ = false;
  bool fin_ = false;
  bool cut_ = false;  // a FIN or RST of the wire's own
};

}  // namespace weir::net::tls::test
