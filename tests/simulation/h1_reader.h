#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::sim {

// One HTTP/1 head as the simulated peers read it: strict, simple, and written apart from the codec
// under test.
struct Head {
  std::string start;
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case

  // The first value; empty when there is none.
  std::string_view Get(std::string_view name) const;
  int Count(std::string_view name) const;
};

enum class Framing { kNone, kLength, kChunked, kUntilClose };

// Reads messages of one direction of an HTTP/1 connection. What it finds wrong goes to OnFault, and
// nothing is read after it.
class H1Reader {
 public:
  virtual ~H1Reader() = default;

  void Feed(std::string_view bytes);
  // The end of the input. True: it stood where a message may end.
  bool End();
  // Between messages, with nothing of the next one here.
  bool idle() const { return state_ == State::kHead && line_.empty(); }
  bool in_body() const { return state_ != State::kHead && state_ != State::kDead; }

 protected:
  // How the body of the message goes; *length for kLength. kNone: the message is over.
  virtual Framing OnHead(const Head& head, uint64_t* length) = 0;
  virtual void OnBody(std::string_view bytes) = 0;
  virtual void OnTrailer(std::string_view line) { (void)line; }
  virtual void OnMessageEnd() = 0;
  virtual void OnFault(const std::string& what) = 0;
  // Ready for another connection.
  void Restart() {
    state_ = State::kHead;
    line_.clear();
    head_ = Head();
  }
  // Stops reading for good.
  void Stop() { state_ = State::kDead; }

 private:
  enum class State {
    kHead,
    kLength,
    kUntilClose,
    kChunkLine,
    kChunkData,
    kChunkEnd,
    kTrailers,
    kDead
  };

  bool TakeLine(std::string_view* bytes);
  void HeadLine();
  void ChunkLine();
  void EndMessage();

  State state_ = State::kHead;
  std::string line_;  // the part of a line that is here
  Head head_;
  uint64_t left_ = 0;
};

std::string Lower(std::string_view text);

}  // namespace weir::sim
