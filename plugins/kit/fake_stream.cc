#include "plugins/kit/fake_stream.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>

#include "plugins/kit/fake_host.h"
#include "plugins/sdk/view.h"
#include "plugins/util/token.h"

namespace weir::kit {

// Every call of the table comes by here.
FakeHttpStream& Seen(FakeHttpStream& stream) {
  if (stream.over_) ++stream.late_calls;
  if (stream.thread_ != std::this_thread::get_id()) ++stream.foreign_calls;
  return stream;
}

namespace {

constexpr std::string_view kNotFields[] = {"content-length",   "transfer-encoding",
                                           "connection",       "keep-alive",
                                           "upgrade",          "te",
                                           "proxy-connection", "host",
                                           "expect",           "http2-settings"};

using sdk::Text;
using sdk::View;

// The streams of this worker that live, by the number in their tickets.
std::map<std::uint64_t, FakeHttpStream*>& Living() {
  thread_local std::map<std::uint64_t, FakeHttpStream*> living;
  return living;
}

FakeHttpStream& Of(weir_stream* stream) {
  return Seen(*reinterpret_cast<FakeHttpStream*>(stream));
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

std::int32_t GetToken(weir_stream* stream, std::uint32_t which, std::uint32_t token,
                      std::uint32_t index, weir_view* value) {
  if (token == 0 || token >= WEIR_TOKEN_COUNT) return WEIR_ERROR;
  const auto name = util::TokenName(static_cast<std::uint16_t>(token));
  return Get(stream, which, View(name), index, value);
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
  FakeHttpStream& fake = Of(stream);
  if (fake.failure != 0) return fake.failure;
  if (Text(name) != ":path" && Text(name) != ":authority") return WEIR_REFUSED;
  fake.SetStart(Text(name), Text(value));
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
  if (Of(stream).failure != 0) return Of(stream).failure;
  if (size > BodySize(stream, which)) return WEIR_REFUSED;
  Of(stream).messages[which].body.erase(0, size);
  return WEIR_OK;
}

std::int32_t BodyAppend(weir_stream* stream, std::uint32_t which, weir_view data) {
  if (Of(stream).failure != 0) return Of(stream).failure;
  Of(stream).messages[which].body += Text(data);
  return WEIR_OK;
}

std::int32_t BodyLength(weir_stream* stream, std::uint32_t which, std::uint64_t length) {
  if (Of(stream).failure != 0) return Of(stream).failure;
  if (Of(stream).messages[which].gone) return WEIR_REFUSED;
  Of(stream).messages[which].length = length;
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
  return Of(stream).ticket();
}

std::int32_t Resume(weir_ticket ticket, std::uint32_t which) {
  FakeHttpStream* const stream = FakeHttpStream::FromTicket(ticket);
  if (stream == nullptr) return WEIR_REFUSED;
  ++stream->resumes;
  if (which <= WEIR_RESPONSE) ++stream->resumed[which];
  return WEIR_OK;
}

void* RouteConfig(weir_stream* stream) {
  return Of(stream).route_config;
}

// ---- Attributes and notes

std::int32_t Attribute(weir_stream* stream, std::uint32_t id, weir_view* value) {
  const auto found = Of(stream).attributes.find(id);
  if (found == Of(stream).attributes.end()) return WEIR_ERROR;
  *value = View(found->second);
  return WEIR_OK;
}

std::int32_t Number(weir_stream* stream, std::uint32_t id, std::int64_t* value) {
  const auto found = Of(stream).numbers.find(id);
  if (found == Of(stream).numbers.end()) return WEIR_ERROR;
  *value = found->second;
  return WEIR_OK;
}

std::int32_t Metadata(weir_stream* stream, weir_view space, weir_view key, weir_view* value) {
  const auto found = Of(stream).metadata.find({std::string(Text(space)), std::string(Text(key))});
  if (found == Of(stream).metadata.end()) return WEIR_ERROR;
  *value = View(found->second);
  return WEIR_OK;
}

std::int32_t SetMetadata(weir_stream* stream, weir_view space, weir_view key, weir_view value) {
  FakeHttpStream& fake = Of(stream);
  if (fake.failure != 0) return fake.failure;
  fake.metadata[{std::string(Text(space)), std::string(Text(key))}] = Text(value);
  return WEIR_OK;
}

std::int32_t SetFlag(weir_stream* stream, weir_view flag) {
  Of(stream).flags.emplace_back(Text(flag));
  return WEIR_OK;
}

std::int32_t SetBufferLimit(weir_stream* stream, std::uint32_t which, std::uint64_t bytes) {
  if (bytes > 1u << 30) return WEIR_NO_ROOM;
  Of(stream).messages[which].buffer_limit = bytes;
  return WEIR_OK;
}

std::int32_t RefreshRoute(weir_stream* stream) {
  ++Of(stream).route_refreshes;
  return Of(stream).route_status;
}

std::int32_t Inject(weir_stream* stream, std::uint32_t which, weir_view data) {
  if (Of(stream).failure != 0) return Of(stream).failure;
  FakeMessage& message = Of(stream).messages[which];
  if (message.injected.size() >= message.inject_room) return WEIR_NO_ROOM;
  message.injected += Text(data);
  return WEIR_OK;
}

std::int32_t AddTrailers(weir_stream* stream, std::uint32_t which) {
  if (which != WEIR_REQUEST_TRAILERS && which != WEIR_RESPONSE_TRAILERS) return WEIR_REFUSED;
  Of(stream).trailers_added[which] = true;
  return WEIR_OK;
}

}  // namespace

FakeHttpStream::FakeHttpStream() : worker_(World().worker), thread_(std::this_thread::get_id()) {
  static std::atomic<std::uint64_t> last{0};
  id_ = ++last;
  Living()[id_] = this;
}

FakeHttpStream::~FakeHttpStream() {
  Living().erase(id_);
}

void FakeHttpStream::End() {
  Living().erase(id_);
  over_ = true;
}

FakeHttpStream* FakeHttpStream::FromTicket(weir_ticket ticket) {
  const auto found = Living().find(ticket.value[0]);
  return found == Living().end() ? nullptr : found->second;
}

void FakeHttpStream::SetStart(std::string_view name, std::string_view value) {
  for (auto& [key, text] : start) {
    if (key == name) text = value;
  }
}

std::string FakeHttpStream::ReplyField(std::string_view name) const {
  for (const auto& [key, value] : reply_fields) {
    if (key == name) return value;
  }
  return {};
}

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
    table.struct_size = sizeof table;
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
    table.number = Number;
    table.metadata = Metadata;
    table.set_metadata = SetMetadata;
    table.set_flag = SetFlag;
    table.set_buffer_limit = SetBufferLimit;
    table.refresh_route = RefreshRoute;
    table.inject = Inject;
    table.add_trailers = AddTrailers;
    return table;
  }();
  return &api;
}

}  // namespace weir::kit
