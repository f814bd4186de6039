#include "core/server/signals.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <event2/event.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace weir::server {
namespace {

sigset_t Handled() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP}) sigaddset(&set, number);
  return set;
}

}  // namespace

void BlockSignals() {
  signal(SIGPIPE, SIG_IGN);
  const sigset_t set = Handled();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Signals::Signals(net::EventLoop* loop, std::function<void(int)> handler)
    : loop_(loop), handler_(std::move(handler)), event_(nullptr, &event_free) {
  const sigset_t set = Handled();
  fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  event_.reset(event_new(loop->base(), fd_, EV_READ | EV_PERSIST, &Signals::OnReadable, this));
  event_add(event_.get(), nullptr);
}

Signals::~Signals() {
  event_.reset();
  close(fd_);
}

void Signals::OnReadable(int fd, short, void* self) {
  auto* signals = static_cast<Signals*>(self);
  signals->loop_->BeginDispatch();
  signalfd_siginfo info;
  while (read(fd, &info, sizeof(info)) == sizeof(info))
    signals->handler_(static_cast<int>(info.ssi_signo));
}

}  // namespace weir::server
