#include "tests/simulation/h1_reader.h"

#include <algorithm>
#include <charconv>

namespace weir::sim {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

std::string_view Head::Get(std::string_view name) const {
  for (const auto& field : fields) {
    if (field.first == name) return field.second;
  }
  return {};
}

int Head::Count(std::string_view name) const {
  return static_cast<int>(std::count_if(fields.begin(), fields.end(),
                                        [&](const auto& field) { return field.first == name; }));
}

// Appends to line_ up to its LF. True: the line is whole, without CR LF.
bool H1Reader::TakeLine(std::string_view* bytes) {
  const size_t at = bytes->find('\n');
  if (at == std::string_view::npos) {
    line_.append(*bytes);
    *bytes = {};
    return false;
  }
  line_.append(bytes->substr(0, at));
  bytes->remove_prefix(at + 1);
  if (line_.empty() || line_.back() != '\r') {
    OnFault("a line without CR LF: " + line_);
    Stop();
    return false;
  }
  line_.pop_back();
  return true;
}

void H1Reader::HeadLine() {
  if (head_.start.empty()) {
    head_.start = line_;
    return;
  }
  if (!line_.empty()) {
    const size_t colon = line_.find(':');
    if (colon == 0 || colon == std::string::npos)
      return OnFault("a field without a name: " + line_);
    size_t value = colon + 1;
    while (value < line_.size() && line_[value] == ' ') ++value;
    head_.fields.emplace_back(Lower(std::string_view(line_).substr(0, colon)), line_.substr(value));
    return;
  }
  left_ = 0;
  const Head head = std::move(head_);
  head_ = Head();
  const Framing framing = OnHead(head, &left_);
  if (state_ == State::kDead) return;
  switch (framing) {
    case Framing::kNone:
      return EndMessage();
    case Framing::kLength:
      state_ = State::kLength;
      if (left_ == 0) EndMessage();
      return;
    case Framing::kChunked:
      state_ = State::kChunkLine;
      return;
    case Framing::kUntilClose:
      state_ = State::kUntilClose;
      return;
  }
}

void H1Reader::ChunkLine() {
  const char* end = line_.data() + line_.size();
  const auto [at, error] = std::from_chars(line_.data(), end, left_, 16);
  if (error != std::errc() || (at != end && *at != ';'))
    return OnFault("a bad chunk size: " + line_);
  state_ = left_ == 0 ? State::kTrailers : State::kChunkData;
}

void H1Reader::EndMessage() {
  state_ = State::kHead;
  OnMessageEnd();
}

void H1Reader::Feed(std::string_view bytes) {
  while (!bytes.empty() && state_ != State::kDead) {
    const State state = state_;
    if (state == State::kLength || state == State::kChunkData || state == State::kUntilClose) {
      const size_t n = state == State::kUntilClose
                           ? bytes.size()
                           : static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
      OnBody(bytes.substr(0, n));
      if (state_ == State::kDead) return;
      bytes.remove_prefix(n);
      if (state == State::kUntilClose) continue;
      left_ -= n;
      if (left_ != 0) continue;
      if (state == State::kLength) {
        EndMessage();
      } else {
        state_ = State::kChunkEnd;
      }
      continue;
    }
    if (!TakeLine(&bytes)) continue;
    if (state == State::kHead) {
      HeadLine();
    } else if (state == State::kChunkLine) {
      ChunkLine();
    } else if (state == State::kChunkEnd) {
      if (!line_.empty()) OnFault("no line end behind a chunk");
      state_ = State::kChunkLine;
    } else if (line_.empty()) {
      EndMessage();
    } else {
      OnTrailer(line_);
    }
    line_.clear();
  }
}

bool H1Reader::End() {
  if (state_ == State::kUntilClose) {
    EndMessage();
    return true;
  }
  return idle() && head_.start.empty();
}

}  // namespace weir::sim
