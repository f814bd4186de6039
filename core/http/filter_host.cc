#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "core/http/authority.h"
#include "core/http/filter_chain.h"
#include "core/http/filter_host_calls.h"
#include "core/net/ticket.h"
#include "plugins/util/ascii.h"
#include "plugins/util/scan.h"
#include "plugins/util/token.h"

namespace weir::http {
namespace {

using namespace host;

// A call with more than this is a mistake of the plugin, or a length that was never one.
constexpr size_t kMaxFieldBytes = 262144;
constexpr size_t kMaxReplyBody = 1048576;
constexpr uint32_t kMaxReplyFields = 64;

// The framing names in the order in which iterating shows them. Each has a fixed index in front of
// the fields, so that indices stay valid when a value appears or goes.
constexpr uint16_t kFraming[] = {
    WEIR_TOKEN_HOST,   WEIR_TOKEN_CONTENT_LENGTH, WEIR_TOKEN_TRANSFER_ENCODING,
    WEIR_TOKEN_TE,     WEIR_TOKEN_EXPECT,         WEIR_TOKEN_CONNECTION,
    WEIR_TOKEN_UPGRADE};
constexpr uint32_t kFramingCount = sizeof(kFraming) / sizeof(kFraming[0]);

// ---- Framing, shown as the fields that it would be

std::string_view LengthText(FilterChain* chain, Direction d, const weir_head& head) {
  if ((head.flags & WEIR_HEAD_HAS_LENGTH) == 0) return {};
  char* text = chain->length_text(d);
  return {text, static_cast<size_t>(util::WriteDecimal(text, head.content_length) - text)};
}

bool IsChunked(const FilterSlot& slot, Direction d, const weir_head& head) {
  if ((head.flags & (WEIR_HEAD_HAS_LENGTH | WEIR_HEAD_TUNNEL | WEIR_HEAD_NO_BODY)) != 0)
    return false;
  const SliceQueue* added = slot.half[d].body;
  return !slot.chain->bodiless(d) || (added != nullptr && !added->empty());
}

std::string_view Framing(const FilterSlot& slot, uint32_t which, Message* message, uint16_t token) {
  if (!IsBodyOf(which)) return {};
  const weir_head& head = message->head();
  const Direction d = DirectionOf(which);
  switch (token) {
    case WEIR_TOKEN_HOST:
      return d == kRequest ? message->authority() : std::string_view{};
    case WEIR_TOKEN_CONTENT_LENGTH:
      return LengthText(slot.chain, d, head);
    case WEIR_TOKEN_TRANSFER_ENCODING:
      return IsChunked(slot, d, head) ? std::string_view("chunked") : std::string_view{};
    case WEIR_TOKEN_TE:
      return message->has(WEIR_HEAD_TE_TRAILERS) ? std::string_view("trailers")
                                                 : std::string_view{};
    case WEIR_TOKEN_EXPECT:
      return message->has(WEIR_HEAD_EXPECT_CONTINUE) ? std::string_view("100-continue")
                                                     : std::string_view{};
    case WEIR_TOKEN_UPGRADE:
      return message->has(WEIR_HEAD_TUNNEL) ? View(head.protocol) : std::string_view{};
    case WEIR_TOKEN_CONNECTION:
      if (message->has(WEIR_HEAD_TUNNEL) && head.protocol.size > 0) return "upgrade";
      return message->has(WEIR_HEAD_CLOSE) ? std::string_view("close") : std::string_view{};
    default:
      return {};
  }
}

// ---- Fields

uint32_t FieldCount(weir_stream* stream, uint32_t which) {
  Message* message = MessageOf(stream, which);
  if (message == nullptr) return 0;
  return message->count() + (IsBodyOf(which) ? kFramingCount : 0);
}

int32_t FieldAt(weir_stream* stream, uint32_t which, uint32_t index, weir_view* name,
                weir_view* value) {
  if (name == nullptr || value == nullptr) return WEIR_REFUSED;
  Nothing(name);
  Nothing(value);
  Message* message = MessageOf(stream, which);
  if (message == nullptr) return WEIR_ERROR;
  if (IsBodyOf(which)) {
    if (index < kFramingCount) {
      const std::string_view text = Framing(*Slot(stream), which, message, kFraming[index]);
      if (text.empty()) return WEIR_ERROR;
      *name = View(util::TokenName(kFraming[index]));
      return Give(text, value);
    }
    index -= kFramingCount;
  }
  if (index >= message->count() || Removed(message->field(index))) return WEIR_ERROR;
  *name = View(Name(message->field(index)));
  return Give(Value(message->field(index)), value);
}

[[gnu::always_inline]] inline int32_t GetKnown(weir_stream* stream, uint32_t which,
                                               Message* message, uint16_t token, uint32_t index,
                                               weir_view* value) {
  if (IsFramingToken(token)) {
    const std::string_view text = Framing(*Slot(stream), which, message, token);
    return index > 0 || text.empty() ? Nothing(value) : Give(text, value);
  }
  const weir_field* field = message->Find(token, index);
  return field == nullptr ? Nothing(value) : Give(Value(*field), value);
}

int32_t Get(weir_stream* stream, uint32_t which, weir_view name, uint32_t index, weir_view* value) {
  if (value == nullptr || !IsView(name, kMaxFieldBytes)) return WEIR_REFUSED;
  Message* message = MessageOf(stream, which);
  if (message == nullptr || name.size == 0) return Nothing(value);
  const uint16_t token = util::FindToken(View(name));
  if (token != 0) return GetKnown(stream, which, message, token, index, value);
  const weir_field* field = message->FindUnknown(View(name), index);
  return field == nullptr ? Nothing(value) : Give(Value(*field), value);
}

int32_t GetToken(weir_stream* stream, uint32_t which, uint32_t token, uint32_t index,
                 weir_view* value) {
  if (value == nullptr) return WEIR_REFUSED;
  Message* message = MessageOf(stream, which);
  if (message == nullptr || token == 0 || token >= WEIR_TOKEN_COUNT) return Nothing(value);
  return GetKnown(stream, which, message, static_cast<uint16_t>(token), index, value);
}

int32_t Set(weir_stream* stream, uint32_t which, weir_view name, weir_view value) {
  if (!IsView(name, kMaxFieldBytes) || !IsView(value, kMaxFieldBytes)) return WEIR_REFUSED;
  Message* message = WritableOf(stream, which);
  return message == nullptr ? WEIR_REFUSED : message->Set(View(name), View(value));
}

int32_t Add(weir_stream* stream, uint32_t which, weir_view name, weir_view value) {
  if (!IsView(name, kMaxFieldBytes) || !IsView(value, kMaxFieldBytes)) return WEIR_REFUSED;
  Message* message = WritableOf(stream, which);
  return message == nullptr ? WEIR_REFUSED : message->Add(View(name), View(value));
}

int32_t Remove(weir_stream* stream, uint32_t which, weir_view name) {
  if (!IsView(name, kMaxFieldBytes) || name.size == 0 || name.data[0] == ':') return WEIR_REFUSED;
  if (IsFramingToken(util::FindToken(View(name)))) return WEIR_REFUSED;
  Message* message = WritableOf(stream, which);
  return message == nullptr ? WEIR_REFUSED : message->Remove(View(name));
}

// ---- Start line

weir_view* StartPart(weir_head* head, std::string_view name) {
  if (name == ":path") return &head->path;
  if (name == ":authority") return &head->authority;
  if (name == ":method") return &head->method;
  if (name == ":scheme") return &head->scheme;
  if (name == ":protocol") return &head->protocol;
  return nullptr;
}

int32_t GetStart(weir_stream* stream, weir_view name, weir_view* value) {
  if (value == nullptr || !IsView(name, kMaxFieldBytes)) return WEIR_REFUSED;
  Nothing(value);
  Message* message = MessageOf(stream, WEIR_REQUEST);
  if (message == nullptr) return WEIR_ERROR;
  const weir_view* part = StartPart(&message->head(), View(name));
  if (part == nullptr || part->size == 0) return WEIR_ERROR;
  *value = *part;
  return WEIR_OK;
}

// A filter's path is one like any other: what stands behind it relies on the form that the rules
// give.
int32_t SetPath(FilterChainOwner* owner, Message* request, std::string_view path) {
  if (request->path().empty()) return WEIR_REFUSED;  // a plain CONNECT has none and gets none
  if (path == "*") {
    if (request->method() != "OPTIONS") return WEIR_REFUSED;
    owner->OnPathChange();
    request->head().path = {"*", 1};
    return WEIR_OK;
  }
  const std::string_view kept = request->arena()->Copy(path);
  if (kept.data() == nullptr && !path.empty()) return WEIR_NO_ROOM;
  // The bytes are the arena's, ours to change.
  const PathResult result =
      NormalizePath(kept, owner->ChainPathOptions(), const_cast<char*>(kept.data()));
  // There is nobody to redirect.
  if (result.verdict == PathVerdict::kReject || result.verdict == PathVerdict::kRedirect)
    return WEIR_REFUSED;
  owner->OnPathChange();
  request->head().path = View(result.path);
  return WEIR_OK;
}

int32_t SetAuthority(Message* request, std::string_view text) {
  Authority authority;
  if (text.size() > kMaxAuthoritySize || ParseAuthority(text, &authority) != AuthorityError::kNone)
    return WEIR_REFUSED;
  const std::string_view kept = request->arena()->Copy(text);
  if (kept.data() == nullptr) return WEIR_NO_ROOM;
  // In lower case like every authority that is in a message. The bytes are the arena's, ours to
  // change.
  LowerCase(const_cast<char*>(kept.data()), kept.size());
  request->head().authority = View(kept);
  return WEIR_OK;
}

int32_t SetStart(weir_stream* stream, weir_view name, weir_view value) {
  if (!IsView(name, kMaxFieldBytes) || !IsView(value, kMaxFieldBytes)) return WEIR_REFUSED;
  Message* request = WritableOf(stream, WEIR_REQUEST);
  if (request == nullptr) return WEIR_REFUSED;
  if (View(name) == ":path") return SetPath(Slot(stream)->chain->owner(), request, View(value));
  if (View(name) == ":authority") return SetAuthority(request, View(value));
  return WEIR_REFUSED;
}

uint32_t Status(weir_stream* stream) {
  Message* response = MessageOf(stream, WEIR_RESPONSE);
  return response == nullptr ? 0 : response->head().status;
}

// Whether a body may follow depends on the status: what was announced under the old one must not be
// read under the new one.
int32_t SetStatus(weir_stream* stream, uint32_t status) {
  Message* response = WritableOf(stream, WEIR_RESPONSE);
  if (response == nullptr || status < 200 || status > 599) return WEIR_REFUSED;
  weir_head& head = response->head();
  if (head.kind != WEIR_HEAD_RESPONSE || (head.flags & WEIR_HEAD_TUNNEL) != 0) return WEIR_REFUSED;
  if (HasNoBody(status) != HasNoBody(head.status)) {
    const FilterSlot& slot = *Slot(stream);
    const SliceQueue* added = slot.half[kResponse].body;
    if (!slot.chain->bodiless(kResponse) || (added != nullptr && !added->empty()))
      return WEIR_REFUSED;
    head.flags &= ~uint32_t{WEIR_HEAD_HAS_LENGTH};
    if (HasNoBody(status)) head.flags |= WEIR_HEAD_NO_BODY;
    if (!HasNoBody(status) && !IsToHead(stream)) head.flags &= ~uint32_t{WEIR_HEAD_NO_BODY};
  }
  head.status = static_cast<uint16_t>(status);
  return WEIR_OK;
}

// ---- Body

uint64_t BodySize(weir_stream* stream, uint32_t which) {
  if (stream == nullptr || !IsBodyOf(which)) return 0;
  const SliceQueue* body = Slot(stream)->half[which].body;
  return body == nullptr ? 0 : body->bytes();
}

weir_view BodyPiece(weir_stream* stream, uint32_t which, uint64_t offset) {
  if (offset >= BodySize(stream, which)) return {nullptr, 0};
  SliceQueue& body = *Slot(stream)->half[which].body;
  uint32_t i = 0;
  while (offset >= body.at(i).size()) offset -= body.at(i++).size();
  const base::Slice& slice = body.at(i);
  return {reinterpret_cast<const char*>(slice.data()) + offset,
          static_cast<size_t>(slice.size() - offset)};
}

int32_t BodyDrain(weir_stream* stream, uint32_t which, uint64_t size) {
  if (stream == nullptr || !IsBodyOf(which) || Slot(stream)->chain->dead()) return WEIR_REFUSED;
  if (size == 0) return WEIR_OK;
  if (size > BodySize(stream, which)) return WEIR_REFUSED;
  if (!ForgetLength(stream, which)) return WEIR_REFUSED;
  Slot(stream)->half[which].body->Drain(size);
  return WEIR_OK;
}

int32_t BodyAppend(weir_stream* stream, uint32_t which, weir_view data) {
  if (stream == nullptr || !IsBodyOf(which) || (data.data == nullptr && data.size != 0))
    return WEIR_REFUSED;
  FilterSlot* slot = Slot(stream);
  const FilterSlot::Half& half = slot->half[which];
  // Outside of a hook of this half, and with nothing stopped, nobody would pass the bytes on.
  if (slot->chain->dead() || (!half.in_hook && !half.stopped())) return WEIR_REFUSED;
  if (data.size == 0) return WEIR_OK;
  const uint64_t most = slot->limit[which] + kChunkBytes;
  if (data.size > most || BodySize(stream, which) > most - data.size) return WEIR_NO_ROOM;
  if (!ForgetLength(stream, which)) return WEIR_REFUSED;
  SliceQueue* body = slot->chain->Body(slot, DirectionOf(which));
  if (body == nullptr) return WEIR_NO_ROOM;
  body->Append(data.data, data.size);
  return WEIR_OK;
}

int32_t BodyLength(weir_stream* stream, uint32_t which, uint64_t length) {
  if (!IsBodyOf(which)) return WEIR_REFUSED;
  Message* message = WritableOf(stream, which);
  if (message == nullptr || message->has(WEIR_HEAD_TUNNEL)) return WEIR_REFUSED;
  if (which == WEIR_RESPONSE &&
      (message->head().kind != WEIR_HEAD_RESPONSE || message->head().status == 204)) {
    return WEIR_REFUSED;
  }
  Slot(stream)->length_set[which] = true;
  message->head().content_length = length;
  message->head().flags |= WEIR_HEAD_HAS_LENGTH;
  return WEIR_OK;
}

// ---- Answers and late calls

int32_t SendLocalReply(weir_stream* stream, uint32_t status, weir_view body,
                       const weir_field* extra, uint32_t count, weir_view details) {
  if (stream == nullptr || Slot(stream)->chain->dead()) return WEIR_REFUSED;
  if (status < 200 || status > 599 || !IsView(details, kMaxFieldBytes)) return WEIR_REFUSED;
  if (body.data == nullptr && body.size != 0) return WEIR_REFUSED;
  if (body.size > kMaxReplyBody || count > kMaxReplyFields) return WEIR_NO_ROOM;
  if (extra == nullptr && count != 0) return WEIR_REFUSED;
  for (uint32_t i = 0; i < count; ++i) {
    const weir_field& f = extra[i];
    if (f.name == nullptr || (f.value == nullptr && f.value_size != 0)) return WEIR_REFUSED;
  }
  Slot(stream)->chain->NoteAction();
  Slot(stream)->chain->owner()->RequestLocalReply(status, View(body), extra, count, View(details));
  return WEIR_OK;
}

int32_t Reset(weir_stream* stream) {
  if (stream == nullptr || Slot(stream)->chain->dead()) return WEIR_REFUSED;
  Slot(stream)->chain->NoteAction();
  Slot(stream)->chain->owner()->RequestReset();
  return WEIR_OK;
}

using Tickets = std::unordered_map<uint64_t, FilterChain*>;
thread_local Tickets tickets;

weir_ticket Ticket(weir_stream* stream) {
  if (stream == nullptr) return {{0, 0}};
  FilterChain* chain = Slot(stream)->chain;
  const uint64_t number = chain->TakeTicket();
  if (number == 0) return {{0, 0}};
  return net::MakeTicket(number, net::TicketKind::kStream, chain->IndexOf(Slot(stream)));
}

int32_t ResumeTicket(weir_ticket ticket, uint32_t which) {
  weir_stream* stream = IsBodyOf(which) ? StreamOfTicket(ticket) : nullptr;
  if (stream == nullptr) return WEIR_REFUSED;
  const bool asked = Slot(stream)->chain->AskResume(Slot(stream), DirectionOf(which));
  return asked ? WEIR_OK : WEIR_REFUSED;
}

void* RouteConfig(weir_stream* stream) {
  return stream == nullptr ? nullptr : Slot(stream)->route_config;
}

int32_t GetAttribute(weir_stream* stream, uint32_t id, weir_view* value) {
  if (stream == nullptr || value == nullptr) return WEIR_REFUSED;
  const std::string_view text = Slot(stream)->chain->owner()->Attribute(id);
  return text.data() == nullptr ? Nothing(value) : Give(text, value);
}

}  // namespace

uint64_t FilterChain::TakeTicket() {
  if (ticket_ == 0 && !dead_) {
    ticket_ = owner_->Ticket();
    if (ticket_ != 0) tickets[ticket_] = this;
  }
  return ticket_;
}

FilterChain* FilterChain::FromTicket(uint64_t ticket) {
  const auto found = tickets.find(ticket);
  return found == tickets.end() ? nullptr : found->second;
}

void FilterChain::DropTicket() {
  if (ticket_ != 0) tickets.erase(ticket_);
  ticket_ = 0;
}

weir_stream* StreamOfTicket(weir_ticket ticket) {
  if (!net::TicketIsHere(ticket, net::TicketKind::kStream)) return nullptr;
  FilterChain* chain = FilterChain::FromTicket(ticket.value[0]);
  const uint32_t index = net::TicketIndex(ticket);
  if (chain == nullptr || chain->dead() || index >= chain->count()) return nullptr;
  return reinterpret_cast<weir_stream*>(chain->slot(index));
}

const weir_http_api* HttpFilterHostTable() {
  static const weir_http_api api = [] {
    weir_http_api table{};
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
    table.local_reply = SendLocalReply;
    table.reset = Reset;
    table.ticket = Ticket;
    table.resume = ResumeTicket;
    table.route_config = RouteConfig;
    table.attribute = GetAttribute;
    host::AddStreamCalls(&table);
    table.struct_size = sizeof table;
    return table;
  }();
  return &api;
}

}  // namespace weir::http
