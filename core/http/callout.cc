#include "core/http/callout.h"

#include <new>
#include <utility>

#include "core/http/authority.h"
#include "core/http/callout_set.h"

namespace weir::http {
namespace {

constexpr uint32_t kSlabSize = 4096;
constexpr uint32_t kArenaLimit = 1u << 20;
constexpr uint32_t kMaxRequestFields = 100;
constexpr uint32_t kMaxResponseFields = 1000;
constexpr uint64_t kDefaultMaxBody = 1u << 20;

bool IsView(weir_view v) {
  return v.data != nullptr || v.size == 0;
}

// In words of the ABI, why there is no answer.
uint32_t ReasonOf(const observe::ResponseFlags& flags) {
  using observe::ResponseFlag;
  if (flags.Has(ResponseFlag::kUpstreamConnectionFailure) ||
      flags.Has(ResponseFlag::kNoHealthyUpstream) || flags.Has(ResponseFlag::kNoClusterFound))
    return WEIR_REASON_REFUSED;
  if (flags.Has(ResponseFlag::kUpstreamOverflow)) return WEIR_REASON_OVERFLOW;
  if (flags.Has(ResponseFlag::kUpstreamProtocolError)) return WEIR_REASON_PROTOCOL;
  if (flags.Has(ResponseFlag::kUpstreamRemoteReset)) return WEIR_REASON_REMOTE_RESET;
  if (flags.Has(ResponseFlag::kUpstreamConnectionTermination)) return WEIR_REASON_CLOSED;
  return WEIR_REASON_INTERNAL;
}

}  // namespace

Callout* Callout::Make(CalloutSet* set, const Route* route, const weir_callout_hooks& hooks,
                       void* user) {
  static_assert(sizeof(Callout) <= 1536, "the slab also holds the head and the terminal's part");
  base::Slab* slab = set->worker()->pool->Take(kSlabSize);
  uint8_t* memory = slab->data();
  return new (memory)
      Callout(set, route, hooks, user, memory + sizeof(Callout), kSlabSize - sizeof(Callout));
}

void Callout::operator delete(void* memory) {
  auto* slab = reinterpret_cast<base::Slab*>(static_cast<uint8_t*>(memory) - base::Slab::kHeader);
  base::SlabPool::Release(slab);
}

Callout::Callout(CalloutSet* set, const Route* route, const weir_callout_hooks& hooks, void* user,
                 uint8_t* memory, size_t size)
    : set_(set),
      route_(route),
      hooks_(hooks),
      user_(user),
      arena_(set->worker()->pool, memory, size, kArenaLimit),
      request_(&arena_),
      response_(&arena_),
      waiting_(set->worker()->pool) {
  info_.start_ms = set->worker()->reactor->now_ms();
}

Callout::~Callout() {
  if (terminal_ != nullptr) terminal_->~Terminal();
}

net::WorkerContext* Callout::worker() {
  return set_->worker();
}

bool Callout::Take(const weir_callout_request& request, std::string_view cluster) {
  for (const weir_view& v :
       {request.method, request.scheme, request.authority, request.path, request.body}) {
    if (!IsView(v)) return false;
  }
  if (request.body.size > kMaxBody) return false;
  if (request.field_count > kMaxRequestFields ||
      (request.fields == nullptr && request.field_count != 0))
    return false;
  streams_ = (request.flags & WEIR_CALLOUT_STREAM_BODY) != 0;
  end_ = !streams_;
  max_body_ = request.max_body_bytes == 0 ? kDefaultMaxBody : request.max_body_bytes;
  if (!TakeHead(request, cluster)) return false;
  if (request.body.size > 0) waiting_.Append(request.body.data, request.body.size);
  return true;
}

bool Callout::TakeHead(const weir_callout_request& request, std::string_view cluster) {
  weir_head head{};
  head.struct_size = sizeof head;
  head.kind = WEIR_HEAD_REQUEST;
  head.method = request.method.size == 0 ? View(std::string_view("GET")) : request.method;
  head.scheme = request.scheme;
  head.authority = request.authority.size == 0 ? View(cluster) : request.authority;
  head.path = request.path;
  Authority authority;
  if (request.authority.size > kMaxAuthoritySize ||
      (request.authority.size > 0 &&
       ParseAuthority(View(request.authority), &authority) != AuthorityError::kNone))
    return false;
  // No tunnel, and a target as a client's would be.
  if (View(head.method) == "CONNECT" || head.path.size == 0) return false;
  if (View(head.path).find('#') != std::string_view::npos) return false;
  const bool bodiless = View(head.method) == "GET" || View(head.method) == "HEAD";
  if (!streams_ && (!bodiless || request.body.size > 0)) {
    head.flags |= WEIR_HEAD_HAS_LENGTH;
    head.content_length = request.body.size;
  }
  weir_field fields[kMaxRequestFields];
  for (uint32_t i = 0; i < request.field_count; ++i) {
    const weir_field& given = request.fields[i];
    if (given.name == nullptr || (given.value == nullptr && given.value_size != 0)) return false;
    fields[i] = weir_field{};
    fields[i].name = given.name;
    fields[i].name_size = given.name_size;
    fields[i].value = given.value;
    fields[i].value_size = given.value_size;
    fields[i].token = WEIR_TOKEN_UNSET;
  }
  head.fields = fields;
  head.field_count = request.field_count;
  return request_.Take(head, kMaxRequestFields) == Message::Verdict::kOk && request_.Own();
}

void Callout::Begin(uint64_t timeout_ms) {
  net::Reactor* reactor = worker()->reactor;
  reactor->SetDeadline(this, reactor->now_ms() + timeout_ms);
  reactor->Defer(this);
}

int32_t Callout::Send(std::string_view data, bool end) {
  if (!streams_ || end_) return WEIR_REFUSED;
  if (data.size() > kMaxWaiting) return WEIR_REFUSED;
  if (waiting_.bytes() + passed_ - taken_ >= kMaxWaiting && !data.empty()) return WEIR_NO_ROOM;
  if (!data.empty()) waiting_.Append(data.data(), data.size());
  end_ = end;
  worker()->reactor->Defer(this);
  return WEIR_OK;
}

void Callout::OnDeferred() {
  if (done_) return;
  if (terminal_ == nullptr) {
    terminal_ = set_->maker()->Make(this);
    if (terminal_ == nullptr) return End(WEIR_REASON_INTERNAL);
    end_passed_ = end_ && waiting_.empty();
    terminal_->OnRequestHead(end_passed_);
  }
  if (!done_) PassBody();
}

void Callout::PassBody() {
  if (end_passed_ || (waiting_.empty() && !end_)) return;
  passed_ += waiting_.bytes();
  end_passed_ = end_;
  terminal_->OnRequestData(&waiting_, end_);
}

void Callout::Leave(uint32_t reason) {
  done_ = true;
  set_->Remove(this, reason);
  // After a whole answer the terminal filter ends by itself.
  if (terminal_ != nullptr && reason != WEIR_REASON_NONE)
    terminal_->OnCancel(reason == WEIR_REASON_TIMEOUT ? WEIR_REASON_TIMEOUT : WEIR_REASON_CANCEL);
  waiting_.Clear();
  worker()->reactor->Retire(this);
}

void Callout::Cancel() {
  if (!done_) Leave(WEIR_REASON_CANCEL);
}

void Callout::End(uint32_t reason) {
  if (done_) return;
  Leave(reason);
  if (hooks_.complete == nullptr) return;
  try {
    hooks_.complete(user_, reason);
  } catch (...) {
    set_->CountThrown(reinterpret_cast<const void*>(hooks_.complete));
  }
}

template <class Hook, class... Args>
bool Callout::Run(Hook hook, Args... args) {
  if (hook == nullptr) return true;
  try {
    hook(user_, args...);
  } catch (...) {
    set_->CountThrown(reinterpret_cast<const void*>(hook));
    End(WEIR_REASON_INTERNAL);
  }
  return !done_;
}

void Callout::RespondHead(const weir_head& head, bool end_stream) {
  if (done_) return;
  if (response_.Take(head, kMaxResponseFields) != Message::Verdict::kOk)
    return End(WEIR_REASON_PROTOCOL);
  const weir_head* shown = &response_.head();
  if (Run(hooks_.head, shown, uint32_t{end_stream}) && end_stream) End(WEIR_REASON_NONE);
}

void Callout::GiveData(base::Slice data, bool end) {
  const weir_view view{reinterpret_cast<const char*>(data.data()), data.size()};
  if (!Run(hooks_.data, view, uint32_t{end})) return;
  if (data.size() > 0) terminal_->OnResponseTaken(data.size());
  if (end) End(WEIR_REASON_NONE);
}

void Callout::RespondData(base::Slice data, bool end_stream) {
  if (done_) return;
  received_ += data.size();
  if (received_ > max_body_) return End(WEIR_REASON_OVERFLOW);
  GiveData(std::move(data), end_stream);
}

void Callout::RespondEnd() {
  if (!done_) GiveData(base::Slice(), true);
}

void Callout::RespondTrailers(const weir_head& head) {
  if (done_) return;
  Message trailers(&arena_);
  if (trailers.Take(head, kMaxResponseFields) != Message::Verdict::kOk)
    return End(WEIR_REASON_PROTOCOL);
  const weir_head* shown = &trailers.head();
  if (Run(hooks_.trailers, shown)) End(WEIR_REASON_NONE);
}

void Callout::RespondFailure(const LocalReply& reply) {
  if (!done_) End(ReasonOf(reply.flags));
}

}  // namespace weir::http
