#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/simulation/tls_kit.h"
#include "tests/simulation/world.h"

namespace weir::sim {

// A peer's end of TLS: OpenSSL over memory, between a link and the program that speaks HTTP over
// it. It makes records of odd sizes, asks for new keys, comes back with sessions, and ends with
// close_notify or, where nobody can be hurt by it or something is meant to be, without. It holds
// the worker to this: what it decrypts is what was written, in order; no FIN without close_notify;
// no alert and no failed handshake for who did nothing wrong.
class TlsEnd final : public test::SimDoor {
 public:
  enum class Side : uint8_t { kClient, kServer };  // which we are

  // alpn: what it speaks; empty: it does not say. kit and the link must outlive it.
  TlsEnd(World* world, TlsKit* kit, test::SimLink* link, Side side, const std::string& alpn);
  ~TlsEnd() override;

  // Whose end it is; a client's brings the sessions of the same one.
  void Serve(test::SimPeer* program);

  void OnBytes(std::string_view bytes) override;
  void OnFin() override;
  void OnBroken() override;
  void OnLost(std::string_view bytes) override;
  size_t ReadRoom() override;

  void Send(std::string_view bytes) override;
  size_t unsent() const override { return waiting_.size(); }
  bool OnEnding() override;
  bool OnClosing(std::string_view unread) override;
  void OnGone() override;
  bool truncates() const override { return truncates_; }
  void OnWritten(std::string_view bytes) override;
  void OnWorkerGone() override;

  // What OpenSSL asks.
  static bool OnSession(ssl_st* ssl, ssl_session_st* session);
  static const std::string& AlpnOf(const ssl_st* ssl);

 private:
  void Pump();
  bool Handshake();
  void WriteNow(std::string_view bytes);
  void Flush();
  void Lose();
  void Wrong(const std::string& what);

  World* world_;
  TlsKit* kit_;
  test::SimLink* link_;
  test::SimPeer* program_ = nullptr;
  ssl_st* ssl_;
  const bool server_;
  std::string alpn_;      // as it is sent
  std::string waiting_;   // for the handshake
  std::string expected_;  // what the worker wrote, and has not come
  bool tapped_ = false;
  bool done_ = false;        // the handshake
  bool notified_ = false;    // close_notify came
  bool ended_ = false;       // ours was sent, or must not be
  bool end_wanted_ = false;  // as soon as there is a connection
  bool gone_ = false;
  bool truncates_ = false;
  size_t most_record_ = 16384;
  uint32_t updates_left_ = 0;
};

}  // namespace weir::sim
