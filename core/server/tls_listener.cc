#include "core/server/tls_listener.h"

#include <stdexcept>
#include <string>
#include <utility>

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
  std::unique_ptr<net::tls::ServerContexts> contexts;
  std::unique_ptr<net::TerminalFilter> next;
};

// A connection during its handshake.
//
//   handshaking --done--> given to the chain's filters, in the turn's deferred phase
//        '--broken, or transport_socket_connect_timeout--> closed
class Handshake final : public net::ServedConnection {
 public:
  Handshake(net::AcceptedConnection&& accepted, TlsListener* listener)
      : ServedConnection(std::move(accepted), listener->worker), listener_(listener) {
    io_ = listener_->contexts->Accept(std::move(io_));
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
             const config::FilterChain& chain,
             std::shared_ptr<const net::tls::ServerTlsOptions> options,
             std::unique_ptr<net::TerminalFactory> next)
      : stats_(context.stats),
        name_(listener.name),
        timeout_ms_(static_cast<uint64_t>(chain.transport_socket_connect_timeout.count())),
        options_(std::move(options)),
        tickets_(options_->session_timeout_s),
        next_(std::move(next)) {}

  std::unique_ptr<net::TerminalFilter> ForWorker(net::WorkerContext* worker) const override {
    auto listener = std::make_unique<TlsListener>();
    listener->worker = worker;
    listener->timeout_ms = timeout_ms_;
    listener->timed_out = observe::BindListenerStats(stats_, worker->stats, name_)
                              .downstream_cx_transport_socket_connect_timeout;
    listener->counters = std::make_unique<TlsCounters>(
        observe::BindTlsStats(stats_, worker->stats, "listener", name_), "listener " + name_);
    net::tls::TlsError error;
    listener->contexts = net::tls::ServerContexts::Make(*options_, &tickets_, worker->tls,
                                                        listener->counters.get(), &error);
    // The same options were fine on the main thread.
    if (listener->contexts == nullptr) throw std::runtime_error(error.text);
    listener->next = next_->ForWorker(worker);
    return std::make_unique<TlsTerminal>(std::move(listener));
  }

 private:
  observe::StatRegistry* stats_;
  std::string name_;
  uint64_t timeout_ms_;
  std::shared_ptr<const net::tls::ServerTlsOptions> options_;
  mutable net::tls::TicketKeys tickets_;  // locks for itself
  std::unique_ptr<net::TerminalFactory> next_;
};

}  // namespace

std::unique_ptr<net::TerminalFactory> MakeTlsListener(const ServerContext& context,
                                                      const config::Listener& listener,
                                                      const config::FilterChain& chain,
                                                      std::unique_ptr<net::TerminalFactory> next) {
  if (chain.tls == nullptr) return next;
  auto options = LoadServerTls(context, listener, chain);
  if (options == nullptr || next == nullptr) return nullptr;
  return std::make_unique<TlsFactory>(context, listener, chain, std::move(options),
                                      std::move(next));
}

}  // namespace weir::server
