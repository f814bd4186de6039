#include "core/server/tls_listener.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "core/base/log.h"
#include "core/net/connection_report.h"
#include "core/net/tls/server_contexts.h"
#include "core/server/tls_setup.h"
#include "core/server/tls_stats.h"

namespace weir::server {
namespace {

// What the connections of one listener share on one worker.
struct TlsListener {
  net::WorkerContext* worker;
  uint64_t timeout_ms;
  observe::Cell* timed_out;
  std::unique_ptr<TlsCounters> counters;
  std::shared_ptr<const ServerTlsFiles> files;
  net::tls::TicketKeys* tickets;
  uint64_t number = 0;                                 // of the options of `contexts`
  std::shared_ptr<net::tls::ServerContexts> contexts;  // and handshakes have theirs
  std::unique_ptr<net::TerminalFilter> next;

  // Makes contexts of what the files have now. False: *error; then those that were there stay.
  bool Follow(net::tls::TlsError* error) {
    const auto options = files->Get(&number);
    std::shared_ptr<net::tls::ServerContexts> made =
        contexts != nullptr
            ? net::tls::ServerContexts::Follow(contexts, *options, error)
            : net::tls::ServerContexts::Make(*options, tickets, worker->tls, counters.get(), error);
    if (made == nullptr) return false;
    contexts = std::move(made);
    return true;
  }
  void Follow() {
    net::tls::TlsError error;
    if (files->number() == number || Follow(&error)) return;
    // The same options were fine on the main thread: it is memory that is short.
    WEIR_LOG(kError, "%s: %s; worker %u goes on with the certificates from before",
             files->used_by().c_str(), error.text.c_str(), worker->worker_id);
  }
};

// A connection during its handshake.
//
//   handshaking --done--> given to the chain's filters, in the turn's deferred phase
//        '--broken, or transport_socket_connect_timeout--> closed
class Handshake final : public net::ServedConnection {
 public:
  Handshake(net::AcceptedConnection&& accepted, TlsListener* listener)
      : ServedConnection(std::move(accepted), listener->worker), listener_(listener) {
    listener_->Follow();
    contexts_ = listener_->contexts;
    io_ = contexts_->Accept(std::move(io_));
    if (io_ == nullptr) {
      worker_->reactor->Retire(this);
      return;
    }
    io_->set_client(this);
    if (listener_->timeout_ms != 0)
      worker_->reactor->SetDeadline(this, worker_->reactor->now_ms() + listener_->timeout_ms);
  }

  // The filters that take it look for themselves.
  void Drain() override {}
  void Describe(net::ConnectionReport* report) override {
    report->tls = true;
    report->waits_for = "the end of its TLS handshake";
  }

 private:
  // Whoever serves it may drop it, which must not happen inside a call of its own Io.
  void OnIo(bool, bool) override { worker_->reactor->Defer(this); }

  void OnDeferred() override {
    if (io_->connected() && io_->error() == 0) listener_->next->Serve(Release());
    worker_->reactor->Retire(this);
  }

  void OnDeadline() override {
    listener_->timed_out->Add();
    worker_->reactor->Retire(this);
  }

  TlsListener* listener_;
  std::shared_ptr<net::tls::ServerContexts> contexts_;  // those that it began with
};

class TlsTerminal final : public net::TerminalFilter {
 public:
  explicit TlsTerminal(std::unique_ptr<TlsListener> listener) : listener_(std::move(listener)) {}
  void Serve(net::AcceptedConnection&& accepted) override {
    // Owned by itself: Reactor::Retire ends it.
    new Handshake(std::move(accepted), listener_.get());
  }

 private:
  std::unique_ptr<TlsListener> listener_;
};

class TlsFactory final : public net::TerminalFactory {
 public:
  TlsFactory(const ServerContext& context, const config::Listener& listener,
             const config::FilterChain& chain, std::shared_ptr<const ServerTlsFiles> files,
             std::unique_ptr<net::TerminalFactory> next)
      : stats_(context.stats),
        name_(listener.name),
        timeout_ms_(static_cast<uint64_t>(chain.transport_socket_connect_timeout.count())),
        files_(std::move(files)),
        tickets_(files_->Get()->session_timeout_s),
        next_(std::move(next)) {}

  std::unique_ptr<net::TerminalFilter> ForWorker(net::WorkerContext* worker) const override {
    auto listener = std::make_unique<TlsListener>();
    listener->worker = worker;
    listener->timeout_ms = timeout_ms_;
    listener->timed_out = observe::BindListenerStats(stats_, worker->stats, name_)
                              .downstream_cx_transport_socket_connect_timeout;
    listener->counters = std::make_unique<TlsCounters>(
        observe::BindTlsStats(stats_, worker->stats, "listener", name_), "listener " + name_);
    listener->files = files_;
    listener->tickets = &tickets_;
    net::tls::TlsError error;
    // The same options were fine on the main thread.
    if (!listener->Follow(&error)) throw std::runtime_error(error.text);
    listener->next = next_->ForWorker(worker);
    return std::make_unique<TlsTerminal>(std::move(listener));
  }

 private:
  observe::StatRegistry* stats_;
  std::string name_;
  uint64_t timeout_ms_;
  std::shared_ptr<const ServerTlsFiles> files_;
  mutable net::tls::TicketKeys tickets_;  // locks for itself
  std::unique_ptr<net::TerminalFactory> next_;
};

}  // namespace

std::unique_ptr<net::TerminalFactory> MakeTlsListener(const ServerContext& context,
                                                      const config::Listener& listener,
                                                      const config::FilterChain& chain,
                                                      std::unique_ptr<net::TerminalFactory> next,
                                                      std::shared_ptr<TlsFiles>* files) {
  if (chain.tls == nullptr) return next;
  std::shared_ptr<ServerTlsFiles> loaded = LoadServerTls(context, listener, chain);
  if (loaded == nullptr || next == nullptr) return nullptr;
  if (files != nullptr) *files = loaded;
  return std::make_unique<TlsFactory>(context, listener, chain, std::move(loaded), std::move(next));
}

}  // namespace weir::server
