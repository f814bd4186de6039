// Text built piece by piece in bytes that the caller gives: an arena block, a stack buffer. It
// never writes past their end and never allocates; what does not fit is dropped and remembered.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace weir::http {

class ByteSink {
 public:
  ByteSink(char* data, size_t capacity) : data_(data), capacity_(capacity) {}

  void Append(std::string_view text) {
    if (text.size() > capacity_ - size_) {
      overflowed_ = true;
      return;
    }
    if (!text.empty()) std::memcpy(data_ + size_, text.data(), text.size());
    size_ += text.size();
  }

  // What was appended is incomplete: do not use it.
  bool overflowed() const { return overflowed_; }
  std::string_view text() const { return {data_, size_}; }

 private:
  char* data_;
  size_t capacity_;
  size_t size_ = 0;
  bool overflowed_ = false;
};

}  // namespace weir::http
