#include "core/server/network_chain.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/base/log.h"
#include "core/net/ticket.h"
#include "core/server/plugin_config.h"

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

// What a hook "answered" that an exception left.
constexpr int32_t kThrew = INT32_MIN;

bool IsText(weir_view view) {
  return view.data != nullptr || view.size == 0;
}

std::string_view Text(weir_view view) {
  return view.size == 0 ? std::string_view() : std::string_view(view.data, view.size);
}

}  // namespace

// No exception may leave a plugin; one that does all the same is a failure like any other, as far
// as the two sides share their runtime library.
template <class Call>
int32_t NetworkChain::Enter(size_t filter, Call call) {
  ++in_hooks_;
  int32_t status = kThrew;
  try {
    const http::HookTimer timer(chain_->filters[filter].time);
    status = call();
  } catch (...) {
  }
  --in_hooks_;
  return status;
}

// The functions of weir_network_api.
struct NetworkCalls {
  static NetworkChain::Handle* HandleOf(weir_connection* connection) {
    return reinterpret_cast<NetworkChain::Handle*>(connection);
  }
  static NetworkChain* Of(weir_connection* connection) { return HandleOf(connection)->chain; }

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
    NetworkChain* chain = Of(connection);
    chain->input_.Drain(std::min(size, chain->input_.bytes()));
    chain->Acted();
  }

  static int32_t Write(weir_connection* connection, weir_view data, uint32_t end_stream) {
    NetworkChain* chain = Of(connection);
    if (!IsText(data) || chain->wrote_end_ || chain->close_ != NetworkChain::Close::kNo)
      return WEIR_REFUSED;
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
    chain->Acted();
    return WEIR_OK;
  }

  static void Close(weir_connection* connection, uint32_t flush) {
    NetworkChain* chain = Of(connection);
    const auto wanted = flush != 0 ? NetworkChain::Close::kFlush : NetworkChain::Close::kReset;
    if (wanted <= chain->close_) return;
    chain->close_ = wanted;
    chain->Acted();
  }

  static uint64_t WritePending(weir_connection* connection) {
    return Of(connection)->output_.bytes();
  }

  static weir_ticket Ticket(weir_connection* connection) {
    const NetworkChain::Handle* handle = HandleOf(connection);
    const NetworkChain* chain = handle->chain;
    const uint64_t generation = slots[chain->ticket_slot_].generation;
    return net::MakeTicket((chain->ticket_slot_ + 1) << 32 | generation,
                           net::TicketKind::kConnection, handle->filter);
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
    const uint32_t filter = net::TicketIndex(ticket);
    const int32_t status = chain->Enter(filter, [&] {
      hook(user, reinterpret_cast<weir_stream*>(chain->HandleOf(filter)));
      return WEIR_OK;
    });
    if (status < 0) chain->Fail(filter, "a posted hook", status);
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
    std::string_view text;
    if (id == WEIR_ATTR_LISTENER) {
      text = chain->chain_->listener;
    } else if (id == WEIR_ATTR_FILTER_CHAIN) {
      text = chain->chain_->filter_chain;
    } else if (!chain->facts_.Attribute(id, &text)) {
      return WEIR_ERROR;
    }
    if (text.empty()) return WEIR_ERROR;
    *value = {text.data(), text.size()};
    return WEIR_OK;
  }

  static int32_t Number(weir_connection* connection, uint32_t id, int64_t* value) {
    return Of(connection)->facts_.Number(id, value) ? WEIR_OK : WEIR_ERROR;
  }

  static int32_t Metadata(weir_connection* connection, weir_view space, weir_view key,
                          weir_view* value) {
    std::string_view note;
    if (!IsText(space) || !IsText(key) ||
        !Of(connection)->facts_.Note(Text(space), Text(key), &note))
      return WEIR_ERROR;
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
    if (filter.config != nullptr)
      PluginConfigDeleter{filter.api->config_free, filter.time.plugin.c_str()}(filter.config);
  }
}

void PluginChain::Add(std::string name, const weir_network_filter_api* api, void* config,
                      observe::StatId failures, http::HookStats time) {
  filters.push_back({std::move(name), api, config, state_size, failures, std::move(time)});
  // Any C type may stand in a state.
  state_size += (api->state_size + 15u) & ~15u;
}

NetworkChain::NetworkChain(const PluginChain* chain, net::WorkerContext* worker, Owner* owner,
                           uint32_t buffer_limit, ConnectionFacts facts)
    : chain_(chain),
      worker_(worker),
      owner_(owner),
      buffer_limit_(buffer_limit),
      facts_(std::move(facts)),
      state_(new uint8_t[chain->state_size + 1]()),
      handles_(new Handle[chain->filters.size()]),
      input_(worker->pool),
      passed_(worker->pool),
      output_(worker->pool),
      ticket_slot_(TakeSlot(this)) {
  for (uint32_t i = 0; i < chain->filters.size(); ++i) handles_[i] = {this, i};
}

NetworkChain::~NetworkChain() {
  // What a filter still asks for comes to nothing.
  ++in_hooks_;
  close_ = Close::kReset;
  while (made_ > 0) {
    --made_;
    const weir_network_filter_api* api = chain_->filters[made_].api;
    if (api->destroy == nullptr) continue;
    const int32_t status = Enter(made_, [&] {
      api->destroy(StateOf(made_));
      return WEIR_OK;
    });
    if (status < 0) Fail(made_, "destroy", status);
  }
  FreeSlot(static_cast<uint32_t>(ticket_slot_));
}

void NetworkChain::Fail(size_t filter, const char* hook, int32_t status) {
  worker_->stats->Get(chain_->filters[filter].failures)->Add();
  const std::string& name = chain_->filters[filter].name;
  if (status == kThrew) {
    WEIR_LOG_EVERY_SECOND(
        kWarn, "network filter %s failed: an exception left %s; its connection is closed",
        name.c_str(), hook);
  } else {
    WEIR_LOG_EVERY_SECOND(kWarn,
                          "network filter %s failed: %s answered %d; its connection is closed",
                          name.c_str(), hook, status);
  }
  close_ = Close::kReset;
}

void NetworkChain::OnNewConnection() {
  for (; made_ < chain_->filters.size(); ++made_) {
    const PluginChain::Filter& filter = chain_->filters[made_];
    if (filter.api->create == nullptr) continue;
    const int32_t status = Enter(
        made_, [&] { return filter.api->create(StateOf(made_), filter.config, HandleOf(made_)); });
    if (status < 0) {
      Fail(made_, "create", status);
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
  const weir_network_filter_api* api = chain_->filters[i].api;
  const bool fresh = hook == Hook::kNewConnection;
  if (fresh ? api->new_connection == nullptr : api->data == nullptr) return true;
  const int32_t status = Enter(i, [&] {
    return fresh ? api->new_connection(StateOf(i), HandleOf(i))
                 : api->data(StateOf(i), HandleOf(i), eof_ ? 1 : 0);
  });
  if (status < 0) Fail(i, fresh ? "new_connection" : "data", status);
  return status == WEIR_CONTINUE;
}

void NetworkChain::OnDrain() {
  for (size_t i = 0; i < introduced_ && close_ == Close::kNo; ++i) {
    const weir_network_filter_api* api = chain_->filters[i].api;
    if (api->drain == nullptr) continue;
    const int32_t status = Enter(i, [&] {
      api->drain(StateOf(i), HandleOf(i));
      return WEIR_OK;
    });
    if (status < 0) Fail(i, "drain", status);
  }
}

void NetworkChain::OnOutputRoom() {
  if (!over_limit_ || output_.bytes() > buffer_limit_ / 2) return;
  over_limit_ = false;
  for (size_t i = 0; i < introduced_ && close_ == Close::kNo; ++i) {
    const weir_network_filter_api* api = chain_->filters[i].api;
    if (api->writable == nullptr) continue;
    const int32_t status = Enter(i, [&] {
      api->writable(StateOf(i), HandleOf(i));
      return WEIR_OK;
    });
    if (status < 0) Fail(i, "writable", status);
  }
}

}  // namespace weir::server
