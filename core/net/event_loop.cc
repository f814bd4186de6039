#include "core/net/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <event2/event.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/net/second_look.h"

namespace weir::net {
namespace {

// libevent measures with the coarse clock, which is up to one kernel tick behind: a timer may fire
// that much early, and would then be set again and again for the rest. Late costs nothing.
constexpr uint64_t kCoarseClockMs = 4;

event_base* NewBase() {
  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  // The environment must not choose the backend: only epoll has edges.
  event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
  event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_O1 | EV_FEATURE_EARLY_CLOSE);
  event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  if (base == nullptr) throw std::runtime_error("libevent cannot use epoll");
  return base;
}

}  // namespace

uint64_t EventLoop::MonotonicMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

EventLoop::EventLoop()
    : base_(NewBase()),
      reactor_(MonotonicMs()),
      second_look_(std::make_unique<SecondLook>(&reactor_, SecondLook::kRestMs)),
      soon_look_(std::make_unique<SecondLook>(&reactor_, SecondLook::kSoonMs)),
      timer_(event_new(base_, -1, 0, &EventLoop::OnTimer, this), &event_free),
      posted_event_(nullptr, &event_free),
      wakeup_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (wakeup_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  posted_event_.reset(event_new(base_, wakeup_, EV_READ | EV_PERSIST, &EventLoop::OnPosted, this));
  event_add(posted_event_.get(), nullptr);
}

EventLoop::~EventLoop() {
  timer_.reset();
  posted_event_.reset();
  close(wakeup_);
  event_base_free(base_);
}

void EventLoop::Run() {
  // A rest of some microseconds is to be that, not as many more as the kernel likes to gather.
  prctl(PR_SET_TIMERSLACK, 1000ul, 0ul, 0ul, 0ul);
  while (!stop_) Turn(true);
}

void EventLoop::Turn(bool wait) {
  // What was posted from elsewhere than an event (before the first turn) may have left work: ask
  // before sleeping.
  const uint64_t wait_ms = wait ? reactor_.WaitMs() : 0;
  if (wait_ms != 0) {
    ArmTimer(wait_ms);
    const uint64_t now_ms = reactor_.now_ms();
    Rest(std::max(wake_pacer_.BeforeWait(now_ms, reactor_.shared_streams()),
                  upload_pacer_.BeforeWait(now_ms, reactor_.TakeUploaded())));
  }
  time_is_fresh_ = false;
  event_base_loop(base_, wait_ms == 0 ? EVLOOP_NONBLOCK | EVLOOP_ONCE : EVLOOP_ONCE);
  if (!time_is_fresh_) ReadClock();
  reactor_.RunTurn();
}

void EventLoop::Rest(uint32_t microseconds) {
  if (microseconds == 0) return;
  const timespec time = {0, static_cast<long>(microseconds) * 1000};
  nanosleep(&time, nullptr);
}

void EventLoop::Stop() {
  Post([this] { stop_ = true; });
}

void EventLoop::ReadClock() {
  time_is_fresh_ = true;
  reactor_.set_now(MonotonicMs());
}

void EventLoop::ArmTimer(uint64_t wait_ms) {
  // A timer that fires too early costs one empty turn; so only an earlier deadline moves it.
  if (wait_ms == UINT64_MAX || reactor_.now_ms() + wait_ms >= timer_at_ms_) return;
  timer_at_ms_ = reactor_.now_ms() + wait_ms;
  // now_ms is up to one turn old: without the true time the wait would be that much too long.
  const uint64_t now = MonotonicMs();
  const uint64_t left = (timer_at_ms_ > now ? timer_at_ms_ - now : 0) + kCoarseClockMs;
  const timeval delay = {static_cast<time_t>(left / 1000),
                         static_cast<suseconds_t>(left % 1000 * 1000)};
  event_add(timer_.get(), &delay);
}

void EventLoop::OnTimer(int, short, void* self) {
  static_cast<EventLoop*>(self)->timer_at_ms_ = UINT64_MAX;
}

void EventLoop::Post(std::function<void()> work) {
  bool first;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(work));
  }
  const uint64_t one = 1;
  if (first) [[maybe_unused]]
    const ssize_t written = write(wakeup_, &one, sizeof(one));
}

void EventLoop::OnPosted(int fd, short, void* self) {
  uint64_t count;
  [[maybe_unused]] const ssize_t got = read(fd, &count, sizeof(count));
  static_cast<EventLoop*>(self)->RunPosted();
}

void EventLoop::RunPosted() {
  BeginDispatch();
  std::vector<std::function<void()>> batch;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    batch.swap(posted_);
  }
  for (const std::function<void()>& work : batch) work();
}

}  // namespace weir::net
