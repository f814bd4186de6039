// The decoder of chunk framing against a second one that is written for clarity alone, whole and in
// random cuts.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codecs/h1/chunked_decoder.h"
#include "plugins/util/ascii.h"
#include "plugins/util/scan.h"
#include "tests/support/random_splitter.h"

namespace weir::h1 {
namespace {

struct Result {
  std::string body;
  char end = '?';  // 'm'ore, 't'railers, 'f'ault

  bool operator==(const Result& other) const { return body == other.body && end == other.end; }
};

// ---- The plain decoder: a grammar by recursive descent on the whole text ----------------------

enum class Read { kYes, kNo, kMore };

class Plain {
 public:
  explicit Plain(std::string_view text) : text_(text) {}

  Result Decode() {
    while (true) {
      uint64_t size = 0;
      Read read = Size(&size);
      while (read == Read::kYes && Peek(';')) read = Extension();
      if (read == Read::kYes) read = Crlf();
      if (read != Read::kYes) return End(read);
      if (size == 0) {
        result_.end = 't';
        return result_;
      }
      const uint64_t here = std::min<uint64_t>(size, text_.size() - at_);
      result_.body += text_.substr(at_, here);
      at_ += here;
      if (here < size) return End(Read::kMore);
      read = Crlf();
      if (read != Read::kYes) return End(read);
    }
  }

 private:
  Result End(Read read) {
    result_.end = read == Read::kMore ? 'm' : 'f';
    return result_;
  }

  bool Done() const { return at_ == text_.size(); }
  bool Peek(char c) const { return !Done() && text_[at_] == c; }

  Read Byte(char c) {
    if (Done()) return Read::kMore;
    return text_[at_++] == c ? Read::kYes : Read::kNo;
  }

  Read Crlf() {
    const Read read = Byte('\r');
    return read == Read::kYes ? Byte('\n') : read;
  }

  Read Size(uint64_t* size) {
    size_t digits = 0;
    for (; !Done() && util::HexValue(text_[at_]) >= 0; ++at_, ++digits) {
      if (digits == 16 || *size >> 59 != 0) return Read::kNo;
      *size = *size * 16 + static_cast<uint64_t>(util::HexValue(text_[at_]));
    }
    if (Done()) return Read::kMore;
    return digits != 0 ? Read::kYes : Read::kNo;
  }

  Read Token() {
    const size_t begin = at_;
    while (!Done() && util::IsTokenByte(text_[at_])) ++at_;
    if (at_ == begin && !Done()) return Read::kNo;
    return Done() ? Read::kMore : Read::kYes;
  }

  Read Quoted() {
    ++at_;
    while (!Done()) {
      const char c = text_[at_++];
      if (c == '"') return Done() ? Read::kMore : Read::kYes;
      if (c == '\\') {
        if (Done()) return Read::kMore;
        if (!util::IsValueByte(text_[at_++])) return Read::kNo;
      } else if (!util::IsValueByte(c)) {
        return Read::kNo;
      }
    }
    return Read::kMore;
  }

  Read Extension() {
    ++at_;
    const Read read = Token();
    if (read != Read::kYes || !Peek('=')) return read;
    ++at_;
    if (Done()) return Read::kMore;
    return Peek('"') ? Quoted() : Token();
  }

  std::string_view text_;
  size_t at_ = 0;
  Result result_;
};

// ---- The decoder under test -------------------------------------------------------------------

Result Decode(std::string_view text, const test::Cuts& cuts) {
  ChunkedDecoder decoder;
  Strictness strict;
  strict.max_chunk_extension_bytes = 1 << 20;
  Result result;
  result.end = 'm';
  for (const size_t cut : cuts) {
    std::string_view piece = text.substr(0, cut);
    text.remove_prefix(cut);
    while (true) {
      size_t used = 0;
      Fault fault;
      const auto need = decoder.Advance(piece.data(), piece.size(), strict, &used, &fault);
      if (used > piece.size()) std::abort();
      piece.remove_prefix(used);
      if (need == ChunkedDecoder::Need::kFault) {
        if (fault.at != piece.data() || fault.status != 400) std::abort();
        result.end = 'f';
        return result;
      }
      if (need == ChunkedDecoder::Need::kTrailers) {
        result.end = 't';
        return result;
      }
      const auto size = static_cast<size_t>(std::min<uint64_t>(piece.size(), decoder.remaining()));
      if (need == ChunkedDecoder::Need::kMore || size == 0) break;
      result.body += piece.substr(0, size);
      decoder.Took(size);
      piece.remove_prefix(size);
    }
  }
  return result;
}

}  // namespace
}  // namespace weir::h1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  if (size < 1) return 0;
  std::mt19937_64 random(data[0]);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const h1::Result plain = h1::Plain(text).Decode();
  const h1::Result whole = h1::Decode(text, test::WholeCut(text.size()));
  const h1::Result cut = h1::Decode(text, test::RandomCuts(text.size(), 9, random));
  if (!(plain == whole) || !(whole == cut)) {
    std::fprintf(stderr, "plain %c '%s'\nwhole %c '%s'\ncut %c '%s'\n", plain.end,
                 plain.body.c_str(), whole.end, whole.body.c_str(), cut.end, cut.body.c_str());
    std::abort();
  }
  return 0;
}
