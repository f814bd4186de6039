#include "core/server/plugin_host_mailbox.h"

#include "core/http/filter_chain.h"
#include "core/http/hook_time.h"
#include "core/net/ticket.h"
#include "core/server/network_chain.h"
#include "core/server/plugin_barrier.h"

namespace weir::server {

void Mailbox::Push(const Letter& letter) {
  const bool first = letters_.empty();
  letters_.push_back(letter);
  // A closed box is emptied by Close: the worker's loop may be gone.
  if (first && !closed_) wake_();
}

int32_t Mailbox::Post(const Letter& letter) {
  const std::lock_guard lock(mutex_);
  if (closed_) return WEIR_REFUSED;
  if (letters_.size() >= kMaxLetters) return WEIR_NO_ROOM;
  Push(letter);
  return WEIR_OK;
}

bool Mailbox::Expect() {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  ++expected_;
  return true;
}

void Mailbox::Deliver(const Letter& letter) {
  const std::lock_guard lock(mutex_);
  Push(letter);
  --expected_;
  // Under the lock: once it is free, a closing worker may go, and its box with it.
  delivered_.notify_all();
}

void Mailbox::Open(const Letter& letter) {
  if (letter.stream_hook == nullptr) {
    LatePluginBarrier(letter.hook, "a posted hook", [&] {
      const http::LateHookTimer timer(letter.hook);
      letter.hook(letter.user);
    });
  } else if (net::TicketKindOf(letter.ticket) == net::TicketKind::kConnection) {
    LatePluginBarrier(letter.stream_hook, "a posted hook", [&] {
      RunPostedOnConnection(letter.ticket, letter.stream_hook, letter.user);
    });
  } else if (!LatePluginBarrier(letter.stream_hook, "a posted hook", [&] {
               const http::LateHookTimer timer(letter.stream_hook);
               letter.stream_hook(letter.user, http::StreamOfTicket(letter.ticket));
             })) {
    // Nobody would finish what it was to do; the stream may be over by now.
    if (weir_stream* stream = http::StreamOfTicket(letter.ticket))
      http::HttpFilterHostTable()->reset(stream);
  }
}

void Mailbox::OpenAll(const std::vector<Letter>& letters) {
  for (const Letter& letter : letters) Open(letter);
}

void Mailbox::Open() {
  std::vector<Letter> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(letters_);
  }
  OpenAll(batch);
}

void Mailbox::Refuse() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

void Mailbox::Close() {
  std::vector<Letter> rest;
  {
    std::unique_lock lock(mutex_);
    delivered_.wait(lock, [this] { return expected_ == 0; });
    rest.swap(letters_);
  }
  OpenAll(rest);
}

}  // namespace weir::server
