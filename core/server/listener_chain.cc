#include "core/server/listener_chain.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "core/base/log.h"
#include "core/net/tls_names.h"
#include "core/server/plugin_config.h"

namespace weir::server {
namespace {

// The first piece of memory: most headers and hellos fit.
constexpr size_t kFirstRoom = 512;

ListenerChain* Of(weir_connection* connection) {
  return reinterpret_cast<ListenerChain*>(connection);
}

// What a hook "answered" that an exception left.
constexpr int32_t kThrew = INT32_MIN;

bool IsText(weir_view view) {
  return view.data != nullptr || view.size == 0;
}

std::string_view Text(weir_view view) {
  return view.size == 0 ? std::string_view() : std::string_view(view.data, view.size);
}

// Numbers alone, and never the path of a socket: such paths stay in memory for good.
std::optional<net::Address> ParseIp(std::string_view text) {
  if (text.empty() || text.size() > 64 || text.front() == ':' || text.front() == 'u') return {};
  if (text.find('%') != std::string_view::npos) return {};
  const auto address = net::Address::Parse(text);
  return address && address->is_ip() ? address : std::nullopt;
}

}  // namespace

// The functions of weir_listener_api.
struct ListenerCalls {
  static int32_t Attribute(weir_connection* connection, uint32_t id, weir_view* value) {
    ListenerChain* chain = Of(connection);
    const auto address = [&](const net::Address& known, int place) {
      char* room = chain->texts_[place];
      return std::string_view(room, known.Print(room));
    };
    std::string_view text;
    switch (id) {
      case WEIR_ATTR_DOWNSTREAM_ADDRESS:
        text = address(chain->peer_, 0);
        break;
      case WEIR_ATTR_DIRECT_ADDRESS:
        text = address(chain->direct_, 1);
        break;
      case WEIR_ATTR_LOCAL_ADDRESS:
        text = address(chain->local_, 2);
        break;
      case WEIR_ATTR_LISTENER:
        text = chain->filters_->listener;
        break;
      case WEIR_ATTR_REQUESTED_SERVER_NAME:
        if (chain->notes_ != nullptr) text = chain->notes_->server_name;
        break;
      case WEIR_ATTR_ALPN:
        if (chain->notes_ != nullptr) text = chain->notes_->alpn;
        break;
      default:
        break;
    }
    *value = {text.data(), text.size()};
    return text.empty() ? WEIR_ERROR : WEIR_OK;
  }

  static int32_t SetAttribute(weir_connection* connection, uint32_t id, weir_view value) {
    ListenerChain* chain = Of(connection);
    if (!IsText(value)) return WEIR_REFUSED;
    const std::string_view text = Text(value);
    if (id == WEIR_ATTR_DOWNSTREAM_ADDRESS || id == WEIR_ATTR_LOCAL_ADDRESS) {
      const auto address = ParseIp(text);
      if (!address) return WEIR_REFUSED;
      if (id == WEIR_ATTR_LOCAL_ADDRESS) {
        chain->local_ = *address;
        return WEIR_OK;
      }
      chain->peer_ = *address;
      chain->notes()->direct = chain->direct_;
      return WEIR_OK;
    }
    if (id == WEIR_ATTR_REQUESTED_SERVER_NAME && net::IsHostName(text)) {
      chain->notes()->server_name = text;
      return WEIR_OK;
    }
    if (id != WEIR_ATTR_ALPN || !net::IsProtocolName(text)) return WEIR_REFUSED;
    chain->notes()->alpn = text;
    return WEIR_OK;
  }

  static int32_t Metadata(weir_connection* connection, weir_view space, weir_view key,
                          weir_view* value) {
    const ListenerChain* chain = Of(connection);
    *value = {nullptr, 0};
    if (chain->notes_ == nullptr || !IsText(space) || !IsText(key)) return WEIR_ERROR;
    const std::string_view note = chain->notes_->Find(Text(space), Text(key));
    if (note.data() == nullptr) return WEIR_ERROR;
    *value = {note.data(), note.size()};
    return WEIR_OK;
  }

  static int32_t SetMetadata(weir_connection* connection, weir_view space, weir_view key,
                             weir_view value) {
    if (!IsText(space) || !IsText(key) || !IsText(value)) return WEIR_REFUSED;
    return Of(connection)->notes()->Set(Text(space), Text(key), Text(value)) ? WEIR_OK
                                                                             : WEIR_NO_ROOM;
  }
};

const weir_listener_api* ListenerApi() {
  static constexpr weir_listener_api kApi = {
      .struct_size = sizeof(weir_listener_api),
      .reserved = 0,
      .attribute = &ListenerCalls::Attribute,
      .set_attribute = &ListenerCalls::SetAttribute,
      .metadata = &ListenerCalls::Metadata,
      .set_metadata = &ListenerCalls::SetMetadata,
  };
  return &kApi;
}

ListenerFilters::~ListenerFilters() {
  for (const Filter& filter : filters) {
    if (filter.config != nullptr)
      PluginConfigDeleter{filter.api->config_free, filter.time.plugin.c_str()}(filter.config);
  }
}

void ListenerFilters::Add(std::string name, const weir_listener_filter_api* api, void* config,
                          observe::StatId failures, http::HookStats time) {
  filters.push_back({std::move(name), api, config, state_size, failures, std::move(time)});
  // Any C type may stand in a state.
  state_size += (api->state_size + 15u) & ~15u;
}

ListenerChain::ListenerChain(const ListenerFilters* filters, observe::StatBlock* stats,
                             const net::Address& peer, const net::Address& local)
    : filters_(filters),
      stats_(stats),
      peer_(peer),
      local_(local),
      direct_(peer),
      state_(new uint8_t[filters->state_size + 1]()) {}

// No exception may leave a plugin; one that does all the same is a failure like any other.
template <class Call>
int32_t ListenerChain::Enter(Call call) {
  try {
    const http::HookTimer timer(present().time);
    return call();
  } catch (...) {
    return kThrew;
  }
}

ListenerChain::~ListenerChain() {
  while (made_ > 0) {
    --made_;
    const weir_listener_filter_api* api = filters_->filters[made_].api;
    if (api->destroy == nullptr) continue;
    at_ = made_;
    const int32_t status = Enter([&] {
      api->destroy(StateOf(made_));
      return WEIR_OK;
    });
    if (status < 0) Fail("destroy", status);
  }
}

net::ConnectionNotes* ListenerChain::notes() {
  if (notes_ == nullptr) notes_ = std::make_unique<net::ConnectionNotes>();
  return notes_.get();
}

ListenerChain::State ListenerChain::Fail(const char* hook, int32_t status) {
  stats_->Get(present().failures)->Add();
  if (status == kThrew) {
    WEIR_LOG_EVERY_SECOND(
        kWarn, "listener filter %s failed: an exception left %s; its connection is closed",
        present().name.c_str(), hook);
  } else {
    WEIR_LOG_EVERY_SECOND(kWarn,
                          "listener filter %s failed: %s answered %d; its connection is closed",
                          present().name.c_str(), hook, status);
  }
  return State::kClose;
}

ListenerChain::State ListenerChain::Create() {
  const ListenerFilters::Filter& filter = present();
  int32_t status = WEIR_OK;
  if (filter.api->create != nullptr) {
    status = Enter([&] { return filter.api->create(StateOf(at_), filter.config, handle()); });
  }
  if (status == WEIR_CLOSE) return State::kClose;
  if (status != WEIR_OK) return Fail("create", status);
  ++made_;
  return State::kDone;
}

ListenerChain::State ListenerChain::Data() {
  const ListenerFilters::Filter& filter = present();
  const size_t most = filter.api->max_read_bytes;
  if (most == 0) return State::kDone;
  const size_t shown = std::min(to_ - from_, most);
  if (shown == 0 && !end_) return State::kMore;
  size_t taken = 0;
  const weir_view data = {
      shown == 0 ? nullptr : reinterpret_cast<const char*>(bytes_.get()) + from_, shown};
  const int32_t status =
      Enter([&] { return filter.api->data(StateOf(at_), handle(), data, end_ ? 1 : 0, &taken); });
  if (status == WEIR_CLOSE) return State::kClose;
  // What it has seen so far does not decide, and more it does not get.
  if (status == WEIR_STOP) return shown == most || end_ ? State::kClose : State::kMore;
  if (status != WEIR_CONTINUE || taken > shown) return Fail("data", status);
  from_ += taken;
  return State::kDone;
}

ListenerChain::State ListenerChain::Run() {
  while (at_ < filters_->filters.size()) {
    State state = made_ == at_ ? Create() : State::kDone;
    if (state == State::kDone) state = Data();
    if (state != State::kDone) return state;
    ++at_;
  }
  return State::kDone;
}

ListenerChain::State ListenerChain::Start() {
  return Run();
}

ListenerChain::State ListenerChain::Show(size_t more, bool end) {
  to_ += more;
  end_ = end_ || end;
  return Run();
}

// Grows as bytes come: who sends few holds little.
uint8_t* ListenerChain::Room(size_t* size) {
  const size_t have = to_ - from_;
  const size_t most = present().api->max_read_bytes;
  if (to_ == room_) {
    const size_t room = std::min(std::max(kFirstRoom, have * 2), std::max(most, have + 1));
    std::unique_ptr<uint8_t[]> bytes(new uint8_t[room]);
    if (have > 0) std::memcpy(bytes.get(), bytes_.get() + from_, have);
    bytes_ = std::move(bytes);
    room_ = room;
    from_ = 0;
    to_ = have;
  }
  *size = std::min(room_ - to_, most - have);
  return bytes_.get() + to_;
}

std::unique_ptr<uint8_t[]> ListenerChain::TakeRest(size_t* offset, size_t* size) {
  *offset = from_;
  *size = to_ - from_;
  from_ = to_ = room_ = 0;
  return std::move(bytes_);
}

}  // namespace weir::server
