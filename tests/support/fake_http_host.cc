#include "tests/support/fake_http_host.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/config/abi_node.h"
#include "core/config/yaml.h"

namespace weir::test {
namespace {

constexpr std::string_view kNotFields[] = {"content-length",   "transfer-encoding",
                                           "connection",       "keep-alive",
                                           "upgrade",          "te",
                                           "proxy-connection", "host",
                                           "expect",           "http2-settings"};

std::string_view Text(weir_view view) {
  return view.data == nullptr ? std::string_view() : std::string_view(view.data, view.size);
}
weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}
FakeHttpStream& Of(weir_stream* stream) {
  return *reinterpret_cast<FakeHttpStream*>(stream);
}
FakeConnection& Of(weir_connection* connection) {
  return *reinterpret_cast<FakeConnection*>(connection);
}

bool WritableName(std::string_view name) {
  if (name.empty() || name[0] == ':') return false;
  if (std::find(std::begin(kNotFields), std::end(kNotFields), name) != std::end(kNotFields)) {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
  });
}

bool WritableValue(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    return c == '\r' || c == '\n' || c == '\0' || c == 0x7f || (c > 0 && c < 0x20 && c != '\t');
  });
}

std::int32_t CheckWrite(weir_stream* stream, std::uint32_t which, weir_view name, weir_view value) {
  const FakeHttpStream& fake = Of(stream);
  if (fake.failure != 0) return fake.failure;
  if (fake.messages[which].gone) return WEIR_REFUSED;
  return WritableName(Text(name)) && WritableValue(Text(value)) ? WEIR_OK : WEIR_REFUSED;
}

// ---- Fields

std::uint32_t FieldCount(weir_stream* stream, std::uint32_t which) {
  return static_cast<std::uint32_t>(Of(stream).messages[which].fields.size());
}

std::int32_t FieldAt(weir_stream* stream, std::uint32_t which, std::uint32_t index, weir_view* name,
                     weir_view* value) {
  const auto& fields = Of(stream).messages[which].fields;
  if (index >= fields.size()) return WEIR_ERROR;
  *name = View(fields[index].first);
  *value = View(fields[index].second);
  return WEIR_OK;
}

std::int32_t Get(weir_stream* stream, std::uint32_t which, weir_view name, std::uint32_t index,
                 weir_view* value) {
  for (const auto& field : Of(stream).messages[which].fields) {
    if (field.first != Text(name) || index-- > 0) continue;
    *value = View(field.second);
    return WEIR_OK;
  }
  return WEIR_ERROR;
}

std::int32_t GetToken(weir_stream*, std::uint32_t, std::uint32_t, std::uint32_t, weir_view*) {
  return WEIR_ERROR;  // no filter under test asks by token
}

std::int32_t Erase(weir_stream* stream, std::uint32_t which, std::string_view name) {
  auto& fields = Of(stream).messages[which].fields;
  return static_cast<std::int32_t>(
      std::erase_if(fields, [&](const auto& field) { return field.first == name; }));
}

std::int32_t Add(weir_stream* stream, std::uint32_t which, weir_view name, weir_view value) {
  const std::int32_t status = CheckWrite(stream, which, name, value);
  if (status == WEIR_OK) Of(stream).messages[which].fields.emplace_back(Text(name), Text(value));
  return status;
}

std::int32_t Set(weir_stream* stream, std::uint32_t which, weir_view name, weir_view value) {
  const std::int32_t status = CheckWrite(stream, which, name, value);
  if (status != WEIR_OK) return status;
  Erase(stream, which, Text(name));
  return Add(stream, which, name, value);
}

std::int32_t Remove(weir_stream* stream, std::uint32_t which, weir_view name) {
  const std::int32_t status = CheckWrite(stream, which, name, {nullptr, 0});
  return status == WEIR_OK ? Erase(stream, which, Text(name)) : status;
}

// ---- Start line

std::int32_t GetStart(weir_stream* stream, weir_view name, weir_view* value) {
  for (const auto& [key, text] : Of(stream).start) {
    if (key != Text(name)) continue;
    *value = View(text);
    return WEIR_OK;
  }
  return WEIR_ERROR;
}

std::int32_t SetStart(weir_stream* stream, weir_view name, weir_view value) {
  for (auto& [key, text] : Of(stream).start) {
    if (key == Text(name)) text = Text(value);
  }
  return WEIR_OK;
}

std::uint32_t Status(weir_stream* stream) {
  return Of(stream).status;
}

std::int32_t SetStatus(weir_stream* stream, std::uint32_t status) {
  Of(stream).status = status;
  return WEIR_OK;
}

// ---- Body

std::uint64_t BodySize(weir_stream* stream, std::uint32_t which) {
  return Of(stream).messages[which].body.size();
}

weir_view BodyPiece(weir_stream* stream, std::uint32_t which, std::uint64_t offset) {
  const std::string& body = Of(stream).messages[which].body;
  // Short pieces, so that a filter which expects the whole body in one is seen.
  return offset >= body.size() ? weir_view{nullptr, 0}
                               : View(std::string_view(body).substr(offset, 7));
}

std::int32_t BodyDrain(weir_stream* stream, std::uint32_t which, std::uint64_t size) {
  Of(stream).messages[which].body.erase(0, size);
  return WEIR_OK;
}

std::int32_t BodyAppend(weir_stream* stream, std::uint32_t which, weir_view data) {
  Of(stream).messages[which].body += Text(data);
  return WEIR_OK;
}

std::int32_t BodyLength(weir_stream*, std::uint32_t, std::uint64_t) {
  return WEIR_OK;
}

// ---- Control

std::int32_t LocalReply(weir_stream* stream, std::uint32_t status, weir_view body,
                        const weir_field* extra, std::uint32_t extra_count, weir_view details) {
  FakeHttpStream& fake = Of(stream);
  if (fake.failure != 0) return fake.failure;
  if (++fake.local_replies > 1) return WEIR_OK;
  fake.reply_status = status;
  fake.reply_body = Text(body);
  fake.reply_details = Text(details);
  for (std::uint32_t i = 0; i < extra_count; ++i) {
    fake.reply_fields.emplace_back(std::string(extra[i].name, extra[i].name_size),
                                   std::string(extra[i].value, extra[i].value_size));
  }
  return WEIR_OK;
}

std::int32_t Reset(weir_stream* stream) {
  ++Of(stream).resets;
  return WEIR_OK;
}

weir_ticket Ticket(weir_stream* stream) {
  return {{reinterpret_cast<std::uintptr_t>(stream), 1}};
}

std::int32_t Resume(weir_ticket ticket, std::uint32_t) {
  ++reinterpret_cast<FakeHttpStream*>(ticket.value[0])->resumes;
  return WEIR_OK;
}

void* RouteConfig(weir_stream* stream) {
  return Of(stream).route_config;
}

std::int32_t Attribute(weir_stream*, std::uint32_t, weir_view*) {
  return WEIR_ERROR;
}

// ---- Connections

std::uint64_t DataSize(weir_connection* connection) {
  return Of(connection).received.size();
}

weir_view DataPiece(weir_connection* connection, std::uint64_t offset) {
  const std::string& data = Of(connection).received;
  return offset >= data.size() ? weir_view{nullptr, 0}
                               : View(std::string_view(data).substr(offset, 7));
}

void Drain(weir_connection* connection, std::uint64_t size) {
  Of(connection).received.erase(0, size);
}

std::int32_t Write(weir_connection* connection, weir_view data, std::uint32_t end_stream) {
  FakeConnection& fake = Of(connection);
  if (fake.failure != 0) return fake.failure;
  fake.written += Text(data);
  fake.ended = fake.ended || end_stream != 0;
  return WEIR_OK;
}

std::int32_t WriteReceived(weir_connection* connection, std::uint64_t size) {
  FakeConnection& fake = Of(connection);
  if (fake.failure != 0) return fake.failure;
  if (fake.written.size() >= fake.limit) return WEIR_NO_ROOM;
  fake.written += fake.received.substr(0, size);
  fake.received.erase(0, size);
  return WEIR_OK;
}

void Close(weir_connection* connection, std::uint32_t flush) {
  Of(connection).closed = true;
  Of(connection).flushed = flush != 0;
}

std::uint64_t WritePending(weir_connection* connection) {
  return Of(connection).written.size();
}

weir_ticket ConnectionTicket(weir_connection*) {
  return {{0, 0}};
}

std::int32_t ConnectionResume(weir_ticket) {
  return WEIR_OK;
}

std::int32_t ConnectionAttribute(weir_connection*, std::uint32_t, weir_view*) {
  return WEIR_ERROR;
}

// ---- Host

void Log(std::uint32_t, weir_view, weir_view) {}
std::uint32_t Counter(weir_view) {
  return 1;
}
void Count(std::uint32_t, std::uint64_t) {}
void Random(std::uint8_t* out, std::size_t size) {
  std::memset(out, 7, size);
}
void Sha1(const std::uint8_t*, std::size_t, std::uint8_t out[20]) {
  std::memset(out, 0, 20);
}

}  // namespace

std::string FakeMessage::Values(std::string_view name) const {
  std::optional<std::string> joined;
  for (const auto& field : fields) {
    if (field.first == name) joined = joined ? *joined + "|" + field.second : field.second;
  }
  return joined.value_or("(none)");
}

const weir_http_api* FakeHttpApi() {
  static const weir_http_api api = [] {
    weir_http_api table{};
    table.struct_size = offsetof(weir_http_api, number);
    table.field_count = FieldCount;
    table.field_at = FieldAt;
    table.get = Get;
    table.get_token = GetToken;
    table.set = Set;
    table.add = Add;
    table.remove = Remove;
    table.get_start = GetStart;
    table.set_start = SetStart;
    table.status = Status;
    table.set_status = SetStatus;
    table.body_size = BodySize;
    table.body_piece = BodyPiece;
    table.body_drain = BodyDrain;
    table.body_append = BodyAppend;
    table.body_length = BodyLength;
    table.local_reply = LocalReply;
    table.reset = Reset;
    table.ticket = Ticket;
    table.resume = Resume;
    table.route_config = RouteConfig;
    table.attribute = Attribute;
    return table;
  }();
  return &api;
}

const weir_network_api* FakeNetworkApi() {
  static const weir_network_api api = [] {
    weir_network_api table{};
    table.struct_size = offsetof(weir_network_api, number);
    table.data_size = DataSize;
    table.data_piece = DataPiece;
    table.drain = Drain;
    table.write = Write;
    table.write_received = WriteReceived;
    table.close = Close;
    table.write_pending = WritePending;
    table.ticket = ConnectionTicket;
    table.resume = ConnectionResume;
    table.attribute = ConnectionAttribute;
    return table;
  }();
  return &api;
}

const weir_host* FakeHost() {
  static const weir_host host = [] {
    weir_host table{};
    table.struct_size = offsetof(weir_host, sha256);
    table.abi_minor = WEIR_ABI_MINOR;
    table.config = config::AbiConfigApi();
    table.log = Log;
    table.counter = Counter;
    table.count = Count;
    table.random = Random;
    table.sha1 = Sha1;
    return table;
  }();
  return &host;
}

FakeConfig::~FakeConfig() {
  if (config_ != nullptr && free_ != nullptr) free_(config_);
}

FakeConfig::FakeConfig(FakeConfig&& other) noexcept
    : config_(std::exchange(other.config_, nullptr)),
      free_(other.free_),
      ok_(other.ok_),
      errors_(std::move(other.errors_)) {}

template <typename Make>
void FakeConfig::Load(std::string_view yaml, Make make) {
  config::Diagnostics diagnostics("test.yaml", std::string(yaml));
  std::shared_ptr<const config::Node> root;
  const auto no_environment = [](const std::string&) { return std::optional<std::string>(); };
  if (!yaml.empty()) root = config::ParseYaml(yaml, no_environment, &diagnostics);
  config::AbiConfigScope scope(&diagnostics, root.get(), {1, 1}, "the filter");
  config_ = make(scope.node());
  ok_ = scope.Finish(config_ != nullptr);
  for (const config::Diagnostic& item : diagnostics.Sorted()) {
    errors_ += std::to_string(item.mark.line) + ":" + std::to_string(item.mark.column) + ": " +
               item.message;
    if (!item.expected.empty()) errors_ += "; expected " + item.expected;
    errors_ += "\n";
  }
}

FakeConfig FakeConfig::Http(const weir_http_filter_api& api, std::string_view yaml,
                            bool per_route) {
  FakeConfig config;
  config.free_ = api.config_free;
  config.Load(yaml, [&](const weir_node* node) {
    return api.config_new(FakeHost(), FakeHttpApi(), node, per_route ? 1 : 0);
  });
  return config;
}

FakeConfig FakeConfig::Network(const weir_network_filter_api& api, std::string_view yaml) {
  FakeConfig config;
  config.free_ = api.config_free;
  config.Load(yaml, [&](const weir_node* node) {
    return api.config_new(FakeHost(), FakeNetworkApi(), node);
  });
  return config;
}

}  // namespace weir::test
