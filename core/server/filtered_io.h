#pragma once

#include <cerrno>
#include <memory>

#include "core/net/actor.h"
#include "core/net/io.h"
#include "core/net/worker_context.h"
#include "core/server/network_chain.h"

namespace weir::server {

// Plugin filters in front of a terminal filter that is linked in: the terminal reads what they let
// pass, and writes past them. What they write themselves goes before what the terminal writes
// later. Exists only where a chain has such filters.
class FilteredIo final : public net::Io,
                         private net::IoClient,
                         private net::Actor,
                         private NetworkChain::Owner {
 public:
  // Copies the notes; null: none.
  FilteredIo(std::unique_ptr<net::Io> inner, net::WorkerContext* worker, const PluginChain* chain,
             uint32_t buffer_limit, const net::Address& peer, const net::Address& local,
             const net::ConnectionNotes* notes = nullptr, uint64_t id = 0);

  // Tells the filters of the connection. False: they reset it, do not serve it. One that they close
  // after a last word is served: there is nothing to read or write on it, and then it fails.
  bool Start();

  ssize_t Read(uint8_t* room, size_t size) override;
  ssize_t Write(const iovec* pieces, int count) override;
  void ShutdownWrite() override;
  void AbortOnClose() override { inner_->AbortOnClose(); }
  void LookSoon() override { inner_->LookSoon(); }
  int error() const override { return error_ != 0 ? error_ : inner_->error(); }
  bool connected() const override { return inner_->connected(); }
  const net::TlsSession* tls() const override { return inner_->tls(); }
  void Drain() override;

 private:
  void OnIo(bool readable, bool writable) override;
  void OnDeferred() override;
  void OnRead() override { OnIo(true, false); }
  void OnDeadline() override { Fail(ECONNABORTED); }
  void DeferContinue() override { worker_->reactor->Defer(this); }
  // Reads and filters; looks at what the filters asked for.
  void Pull();
  // True when the terminal may write.
  bool AfterHooks();
  // True when nothing of the filters' own output is left.
  bool FlushOutput();
  void Fail(int error);
  // The filters' last word is out: the client may still be sending.
  void Linger();
  void Discard();
  bool open() const { return chain_.close() == NetworkChain::Close::kNo; }
  // There is something for the terminal to read, or to hear of.
  bool HasNews() const { return failed_ || (open() && chain_.has_passed() && !eof_taken_); }
  // Keeps readable() and writable() true to their words.
  void UpdateFacts();

  std::unique_ptr<net::Io> inner_;
  net::WorkerContext* worker_;
  // The terminal has its own, which may be gone before this.
  std::unique_ptr<const net::ConnectionNotes> notes_;
  NetworkChain chain_;
  int error_ = 0;
  bool eof_ = false;
  bool eof_taken_ = false;  // the terminal has read the FIN
  bool failed_ = false;
  bool shutdown_wanted_ = false;
  bool shut_ = false;  // our FIN went out
  bool lingering_ = false;
};

}  // namespace weir::server
