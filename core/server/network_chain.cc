#include "core/server/network_chain.h"

#include <algorithm>
#include <cstring>

#include <time.h>

#include "core/base/log.h"
#include "core/net/ticket.h"

namespace weir::server {
namespace {

// The chains of this worker by slot; a generation tells a ticket of a dead connection from one of
// the slot's next owner.
struct Slot {
  NetworkChain* chain = nullptr;
  uint32_t generation = 0;
};
thread_local std::vector<Slot> slots;
thread_local std::vector<uint32_t> free_slots;

uint32_t TakeSlot(NetworkChain* chain) {
  if (free_slots.empty()) {
    free_slots.push_back(static_cast<uint32_t>(slots.size()));
    slots.emplace_back();
  }
  const uint32_t slot = free_slots.back();
  free_slots.pop_back();
  slots[slot].chain = chain;
  return slot;
}

void FreeSlot(uint32_t slot) {
  slots[slot].chain = nullptr;
  ++slots[slot].generation;
  free_slots.push_back(slot);
}

int64_t UnixUs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

NetworkChain* Of(weir_connection* connection) {
  return reinterpret_cast<NetworkChain*>(connection);
}

}  // namespace

// The functions of weir_network_api.
struct NetworkCalls {
  static uint64_t DataSize(weir_connection* connection) { return Of(connection)->input_.bytes(); }

  static weir_view DataPiece(weir_connection* connection, uint64_t offset) {
    http::SliceQueue& input = Of(connection)->input_;
    for (uint32_t i = 0; i < input.count(); ++i) {
      base::Slice& slice = input.at(i);
      if (offset < slice.size())
        return {reinterpret_cast<const char*>(slice.data()) + offset, slice.size() - offset};
      offset -= slice.size();
    }
    return {nullptr, 0};
  }

  static void Drain(weir_connection* connection, uint64_t size) {
    http::SliceQueue& input = Of(connection)->input_;
    input.Drain(std::min(size, input.bytes()));
  }

  static int32_t Write(weir_connection* connection, weir_view data, uint32_t end_stream) {
    NetworkChain* chain = Of(connection);
    if (chain->wrote_end_ || chain->close_ != NetworkChain::Close::kNo) return WEIR_REFUSED;
    chain->output_.Append(data.data, data.size);
    chain->wrote_end_ = end_stream != 0;
    return AfterWrite(chain);
  }

  static int32_t WriteReceived(weir_connection* connection, uint64_t size) {
    NetworkChain* chain = Of(connection);
    if (chain->wrote_end_ || chain->close_ != NetworkChain::Close::kNo ||
        size > chain->input_.bytes())
      return WEIR_REFUSED;
    if (chain->output_.bytes() >= chain->buffer_limit_) {
      chain->over_limit_ = true;
      return WEIR_NO_ROOM;
    }
    chain->output_.Take(&chain->input_, size);
    return AfterWrite(chain);
  }

  static int32_t AfterWrite(NetworkChain* chain) {
    if (chain->output_.bytes() >= chain->buffer_limit_) chain->over_limit_ = true;
    return WEIR_OK;
  }

  static void Close(weir_connection* connection, uint32_t flush) {
    NetworkChain* chain = Of(connection);
    const auto wanted = flush != 0 ? NetworkChain::Close::kFlush : NetworkChain::Close::kReset;
    chain->close_ = std::max(chain->close_, wanted);
  }

  static uint64_t WritePending(weir_connection* connection) {
    return Of(connection)->output_.bytes();
  }

  static weir_ticket Ticket(weir_connection* connection) {
    const NetworkChain* chain = Of(connection);
    const uint64_t generation = slots[chain->ticket_slot_].generation;
    return net::MakeTicket((chain->ticket_slot_ + 1) << 32 | generation,
                           net::TicketKind::kConnection, static_cast<uint32_t>(chain->running_));
  }

  // Null when it has ended or is not of this thread.
  static NetworkChain* OfTicket(weir_ticket ticket) {
    if (!net::TicketIsHere(ticket, net::TicketKind::kConnection)) return nullptr;
    const uint64_t slot = (ticket.value[0] >> 32) - 1;
    if (slot >= slots.size() || slots[slot].chain == nullptr) return nullptr;
    if (slots[slot].generation != static_cast<uint32_t>(ticket.value[0])) return nullptr;
    NetworkChain* chain = slots[slot].chain;
    return net::TicketIndex(ticket) < chain->chain_->filters.size() ? chain : nullptr;
  }

  static void RunPosted(weir_ticket ticket, weir_stream_hook hook, void* user) {
    NetworkChain* chain = OfTicket(ticket);
    if (chain == nullptr) {
      hook(user, nullptr);
      return;
    }
    chain->running_ = net::TicketIndex(ticket);
    hook(user, reinterpret_cast<weir_stream*>(chain));
    // What the hook wrote or closed is found by whoever looks after the connection.
    chain->owner_->DeferContinue();
  }

  static int32_t Resume(weir_ticket ticket) {
    NetworkChain* chain = OfTicket(ticket);
    if (chain == nullptr) return WEIR_REFUSED;
    chain->resume_at_ = std::min<size_t>(chain->resume_at_, net::TicketIndex(ticket) + 1);
    chain->owner_->DeferContinue();
    return WEIR_OK;
  }

  static int32_t Attribute(weir_connection* connection, uint32_t id, weir_view* value) {
    NetworkChain* chain = Of(connection);
    size_t size = 0;
    switch (id) {
      case WEIR_ATTR_DOWNSTREAM_ADDRESS:
        size = chain->peer_.Print(chain->text_);
        break;
      case WEIR_ATTR_DIRECT_ADDRESS:
        size = chain->direct().Print(chain->text_);
        break;
      case WEIR_ATTR_LOCAL_ADDRESS:
        size = chain->local_.Print(chain->text_);
        break;
      default:
        return Give(TlsAttribute(chain, id), value);
    }
    *value = {chain->text_, size};
    return WEIR_OK;
  }

  static int32_t Give(std::string_view text, weir_view* value) {
    *value = {text.data(), text.size()};
    return text.empty() ? WEIR_ERROR : WEIR_OK;
  }

  static std::string_view TlsAttribute(NetworkChain* chain, uint32_t id) {
    const net::TlsSession* tls = chain->tls_;
    const net::ConnectionNotes* notes = chain->notes_;
    switch (id) {
      case WEIR_ATTR_REQUESTED_SERVER_NAME:
        if (tls != nullptr) return tls->server_name();
        return notes == nullptr ? std::string_view() : std::string_view(notes->server_name);
      case WEIR_ATTR_ALPN:
        if (tls != nullptr) return tls->alpn();
        return notes == nullptr ? std::string_view() : std::string_view(notes->alpn);
      case WEIR_ATTR_TLS_VERSION:
        return tls == nullptr ? std::string_view() : tls->version();
      case WEIR_ATTR_TLS_CIPHER:
        return tls == nullptr ? std::string_view() : tls->cipher();
      case WEIR_ATTR_PEER_SUBJECT:
        if (tls == nullptr || !tls->peer_verified()) return {};
        if (chain->subject_.empty()) chain->subject_ = tls->peer_subject();
        return chain->subject_;
      default:
        return {};
    }
  }

  static int32_t Number(weir_connection* connection, uint32_t id, int64_t* value) {
    const NetworkChain* chain = Of(connection);
    switch (id) {
      case WEIR_NUMBER_START_UNIX_US:
        *value = chain->start_unix_us_;
        return WEIR_OK;
      case WEIR_NUMBER_DOWNSTREAM_PORT:
        *value = chain->peer_.port();
        return WEIR_OK;
      case WEIR_NUMBER_LOCAL_PORT:
        *value = chain->local_.port();
        return WEIR_OK;
      case WEIR_NUMBER_SECURE:
        *value = chain->tls_ != nullptr ? 1 : 0;
        return WEIR_OK;
      case WEIR_NUMBER_PEER_VERIFIED:
        *value = chain->tls_ != nullptr && chain->tls_->peer_verified() ? 1 : 0;
        return WEIR_OK;
      default:
        return WEIR_ERROR;
    }
  }

  static int32_t Metadata(weir_connection* connection, weir_view space, weir_view key,
                          weir_view* value) {
    const net::ConnectionNotes* notes = Of(connection)->notes_;
    *value = {nullptr, 0};
    if (notes == nullptr) return WEIR_ERROR;
    const std::string_view note = notes->Find({space.data, space.size}, {key.data, key.size});
    if (note.data() == nullptr) return WEIR_ERROR;
    *value = {note.data(), note.size()};
    return WEIR_OK;
  }
};

const weir_network_api* NetworkApi() {
  static constexpr weir_network_api kApi = {
      .struct_size = sizeof(weir_network_api),
      .reserved = 0,
      .data_size = &NetworkCalls::DataSize,
      .data_piece = &NetworkCalls::DataPiece,
      .drain = &NetworkCalls::Drain,
      .write = &NetworkCalls::Write,
      .write_received = &NetworkCalls::WriteReceived,
      .close = &NetworkCalls::Close,
      .write_pending = &NetworkCalls::WritePending,
      .ticket = &NetworkCalls::Ticket,
      .resume = &NetworkCalls::Resume,
      .attribute = &NetworkCalls::Attribute,
      .number = &NetworkCalls::Number,
      .metadata = &NetworkCalls::Metadata,
  };
  return &kApi;
}

void RunPostedOnConnection(weir_ticket ticket, weir_stream_hook hook, void* user) {
  NetworkCalls::RunPosted(ticket, hook, user);
}

PluginChain::~PluginChain() {
  for (const Filter& filter : filters) {
    if (filter.api->config_free != nullptr && filter.config != nullptr)
      filter.api->config_free(filter.config);
  }
}

void PluginChain::Add(std::string name, const weir_network_filter_api* api, void* config,
                      observe::StatId failures, http::HookStats time) {
  filters.push_back({std::move(name), api, config, state_size, failures, std::move(time)});
  // Any C type may stand in a state.
  state_size += (api->state_size + 15u) & ~15u;
}

NetworkChain::NetworkChain(const PluginChain* chain, net::WorkerContext* worker, Owner* owner,
                           uint32_t buffer_limit, const net::Address& peer,
                           const net::Address& local)
    : chain_(chain),
      worker_(worker),
      owner_(owner),
      buffer_limit_(buffer_limit),
      peer_(peer),
      local_(local),
      state_(new uint8_t[chain->state_size + 1]()),
      input_(worker->pool),
      passed_(worker->pool),
      output_(worker->pool),
      ticket_slot_(TakeSlot(this)),
      start_unix_us_(UnixUs()) {}

NetworkChain::~NetworkChain() {
  while (made_ > 0) {
    --made_;
    const weir_network_filter_api* api = chain_->filters[made_].api;
    if (api->destroy != nullptr) api->destroy(StateOf(made_));
  }
  FreeSlot(static_cast<uint32_t>(ticket_slot_));
}

void NetworkChain::Fail(size_t filter) {
  worker_->stats->Get(chain_->filters[filter].failures)->Add();
  WEIR_LOG_EVERY_SECOND(kWarn, "network filter %s failed; its connection is closed",
                        chain_->filters[filter].name.c_str());
  close_ = Close::kReset;
}

void NetworkChain::OnNewConnection() {
  auto* connection = reinterpret_cast<weir_connection*>(this);
  for (; made_ < chain_->filters.size(); ++made_) {
    const PluginChain::Filter& filter = chain_->filters[made_];
    running_ = made_;
    if (filter.api->create != nullptr &&
        filter.api->create(StateOf(made_), filter.config, connection) < 0) {
      Fail(made_);
      return;
    }
  }
  Iterate(0);
}

void NetworkChain::OnInput(bool eof) {
  eof_ = eof_ || eof;
  Iterate(0);
}

void NetworkChain::Continue() {
  if (resume_at_ == SIZE_MAX) return;
  const size_t first = resume_at_;
  resume_at_ = SIZE_MAX;
  Iterate(first);
}

void NetworkChain::Iterate(size_t first) {
  if (passed_eof_) return;
  for (size_t i = first; i < chain_->filters.size(); ++i) {
    if (close_ != Close::kNo) return;
    if (introduced_ == i) {
      ++introduced_;
      if (!Run(Hook::kNewConnection, i)) return;
    }
    if (input_.empty() && !eof_) continue;
    if (!Run(Hook::kData, i)) return;
  }
  if (close_ != Close::kNo) return;
  input_.MoveTo(&passed_);
  passed_eof_ = eof_;
}

bool NetworkChain::Run(Hook hook, size_t i) {
  auto* connection = reinterpret_cast<weir_connection*>(this);
  const PluginChain::Filter& filter = chain_->filters[i];
  running_ = i;
  int32_t status = WEIR_CONTINUE;
  if (hook == Hook::kNewConnection) {
    if (filter.api->new_connection != nullptr) {
      const http::HookTimer timer(filter.time);
      status = filter.api->new_connection(StateOf(i), connection);
    }
  } else if (filter.api->data != nullptr) {
    const http::HookTimer timer(filter.time);
    status = filter.api->data(StateOf(i), connection, eof_ ? 1 : 0);
  }
  if (status < 0) Fail(i);
  return status == WEIR_CONTINUE;
}

const net::Address& NetworkChain::direct() const {
  return notes_ != nullptr && notes_->direct.family() != AF_UNSPEC ? notes_->direct : peer_;
}

void NetworkChain::OnDrain() {
  auto* connection = reinterpret_cast<weir_connection*>(this);
  for (size_t i = 0; i < introduced_ && close_ == Close::kNo; ++i) {
    const PluginChain::Filter& filter = chain_->filters[i];
    running_ = i;
    if (filter.api->drain == nullptr) continue;
    const http::HookTimer timer(filter.time);
    filter.api->drain(StateOf(i), connection);
  }
}

void NetworkChain::OnOutputRoom() {
  if (!over_limit_ || output_.bytes() > buffer_limit_ / 2) return;
  over_limit_ = false;
  auto* connection = reinterpret_cast<weir_connection*>(this);
  for (size_t i = 0; i < introduced_ && close_ == Close::kNo; ++i) {
    const PluginChain::Filter& filter = chain_->filters[i];
    running_ = i;
    if (filter.api->writable == nullptr) continue;
    const http::HookTimer timer(filter.time);
    filter.api->writable(StateOf(i), connection);
  }
}

}  // namespace weir::server
