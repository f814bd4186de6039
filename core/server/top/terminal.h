#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include <signal.h>
#include <termios.h>

namespace weir::server {

// The terminal of this process, while it shows a screen of its own: no echo, keys as they come, the
// other screen buffer. Given back when this ends, as it was. One at a time.
class Terminal {
 public:
  enum class Event : int {
    kNone = -1,    // the time is over
    kEnd = -2,     // SIGINT, SIGTERM or SIGHUP, or its input is closed
    kResize = -3,  // SIGWINCH
    kUp = -4,      // the keys of these names
    kDown = -5,
    kPageUp = -6,
    kPageDown = -7,
  };

  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  struct Size {
    size_t rows = 24;
    size_t columns = 80;
  };
  Size size() const;
  void Write(std::string_view text);
  // A key's character (1 … 255), or an Event.
  int Wait(std::chrono::milliseconds time);

 private:
  int ReadKey();

  termios before_{};
  bool changed_ = false;
  bool input_ended_ = false;
  sigset_t mask_before_{};
};

}  // namespace weir::server
