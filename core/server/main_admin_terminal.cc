#include "core/server/main_admin_terminal.h"

#include <algorithm>
#include <new>
#include <utility>

#include "core/http/message.h"
#include "core/http/slice_queue.h"
#include "core/server/loop_door.h"

namespace weir::server {
namespace {

// Of a page that goes to a client that has not taken the last piece. A page of megabytes must not
// keep a worker from its requests.
constexpr uint64_t kPiece = 65536;

admin::Request RequestOf(http::Message& message) {
  const auto value = [&message](std::string_view name) {
    const weir_field* field = message.Find(name);
    return field == nullptr ? std::string() : std::string(http::Value(*field));
  };
  admin::Request request;
  request.method = message.method();
  request.target = message.path();
  request.authority = message.authority();
  request.authorization = value("authorization");
  request.origin = value("origin");
  request.fetch_site = value("sec-fetch-site");
  return request;
}

admin::Reply TooBusy() {
  return admin::Answer(503, "too many pages are asked for at once; ask again\n");
}

}  // namespace

bool AdminPages::Ask(const admin::Request& request, admin::Reply* reply,
                     std::function<void(admin::Reply)> later) {
  const admin::Page* page = gate_.Check(request, reply);
  if (page == nullptr) return true;
  if (page->quick) {
    *reply = page->make(admin::QueryOf(request.target), host_.get());
    return true;
  }
  const bool asked = thread_.Ask([this, page, target = request.target, done = std::move(later)] {
    done(page->make(admin::QueryOf(target), host_.get()));
  });
  if (!asked) *reply = TooBusy();
  return !asked;
}

bool AdminPages::Hold(uint64_t bytes) {
  if (held_.fetch_add(bytes) + bytes <= kMaxBytes) return true;
  held_ -= bytes;
  return false;
}

// One request and its page. Lives in the stream's arena.
class AdminTerminal final : public http::Terminal {
 public:
  AdminTerminal(http::TerminalHost* host, AdminTerminals* home) : host_(host), home_(home) {}
  ~AdminTerminal() override { Leave(); }

  void OnRequestHead(bool) override { home_->Ask(this, RequestOf(host_->request())); }
  void OnRequestData(http::SliceQueue* data, bool) override {
    host_->RequestBodyTaken(data->bytes());
    data->Clear();
  }
  void OnRequestTrailers(const weir_head&) override {}
  void OnResponseTaken(uint64_t bytes) override {
    on_way_ -= std::min(bytes, on_way_);
    if (sent_ < body_.size()) home_->SendSoon(this);
  }
  void OnCancel(uint32_t) override { Leave(); }

  void OnPage(admin::Reply reply);
  void SendMore();

  uint64_t number = 0;  // in AdminTerminals' tables; 0: not there

 private:
  // Nothing more is sent.
  void Leave() {
    home_->Forget(this);
    home_->pages()->Release(held_);
    held_ = 0;
    body_.clear();
  }

  http::TerminalHost* host_;
  AdminTerminals* home_;
  std::string body_;
  uint64_t held_ = 0;
  uint64_t sent_ = 0;
  uint64_t on_way_ = 0;  // sent, and not taken by the client
};

void AdminTerminal::OnPage(admin::Reply reply) {
  if (!home_->pages()->Hold(reply.body.size())) {
    reply = TooBusy();
  } else {
    held_ = reply.body.size();
  }
  http::Message answer(host_->arena());
  answer.Reset(WEIR_HEAD_RESPONSE, static_cast<uint16_t>(reply.status));
  answer.AddStatic(WEIR_TOKEN_CONTENT_TYPE, reply.content_type);
  answer.AddStatic(WEIR_TOKEN_CACHE_CONTROL, "no-cache, no-store, max-age=0");
  answer.Add("x-content-type-options", "nosniff");
  answer.Add("referrer-policy", "no-referrer");
  answer.Add("cross-origin-resource-policy", "same-origin");
  answer.Add("content-security-policy", reply.policy);
  if (!reply.allow.empty()) answer.AddStatic(WEIR_TOKEN_ALLOW, reply.allow);
  if (!reply.challenge.empty()) answer.Add("www-authenticate", reply.challenge);
  answer.head().flags |= WEIR_HEAD_HAS_LENGTH;
  answer.head().content_length = reply.body.size();
  const bool end = reply.body.empty() || host_->request().method() == "HEAD";
  if (!end) body_ = std::move(reply.body);
  host_->RespondHead(answer.head(), end);
  if (!end) SendMore();
}

void AdminTerminal::SendMore() {
  while (sent_ < body_.size() && on_way_ < kPiece) {
    const uint64_t size = std::min<uint64_t>(kPiece, body_.size() - sent_);
    http::SliceQueue piece(host_->worker()->pool);
    piece.Append(body_.data() + sent_, size);
    sent_ += size;
    on_way_ += size;
    const bool last = sent_ == body_.size();
    while (!piece.empty()) {
      base::Slice slice = piece.Pop();
      const bool end = last && piece.empty();
      host_->RespondData(std::move(slice), end);
    }
  }
}

AdminTerminals::AdminTerminals(std::shared_ptr<AdminPages> pages, net::WorkerContext* worker)
    : pages_(std::move(pages)), worker_(worker), door_(WorkerDoor::Here()) {
  sender_ = new Sender(this);
}

AdminTerminals::~AdminTerminals() {
  waiting_->home = nullptr;
  sender_->home = nullptr;
  worker_->reactor->Retire(sender_);
}

http::Terminal* AdminTerminals::Make(http::TerminalHost* host) {
  void* memory = host->arena()->Allocate(sizeof(AdminTerminal), alignof(AdminTerminal));
  return memory == nullptr ? nullptr : new (memory) AdminTerminal(host, this);
}

void AdminTerminals::Ask(AdminTerminal* terminal, const admin::Request& request) {
  terminal->number = ++last_;
  terminals_.emplace(terminal->number, terminal);
  admin::Reply reply;
  const bool now = pages_->Ask(
      request, &reply, [waiting = waiting_, number = last_, door = door_](admin::Reply made) {
        auto page = std::make_shared<admin::Reply>(std::move(made));
        door->Post([waiting, number, page] {
          if (waiting->home != nullptr) waiting->home->Bring(number, std::move(*page));
        });
      });
  if (now) terminal->OnPage(std::move(reply));
}

void AdminTerminals::Bring(uint64_t number, admin::Reply page) {
  const auto found = terminals_.find(number);
  if (found != terminals_.end()) found->second->OnPage(std::move(page));
}

void AdminTerminals::Forget(AdminTerminal* terminal) {
  terminals_.erase(terminal->number);
}

void AdminTerminals::SendSoon(AdminTerminal* terminal) {
  to_send_.push_back(terminal->number);
  worker_->reactor->Defer(sender_);
}

void AdminTerminals::SendNow() {
  for (const uint64_t number : std::exchange(to_send_, {})) {
    const auto found = terminals_.find(number);
    if (found != terminals_.end()) found->second->SendMore();
  }
}

}  // namespace weir::server
