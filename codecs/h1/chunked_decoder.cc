#include "codecs/h1/chunked_decoder.h"

#include "plugins/util/ascii.h"
#include "plugins/util/scan.h"

namespace weir::h1 {

namespace {

constexpr uint8_t kMaxDigits = 16;

bool IsQuotedText(char c) {
  return util::IsValueByte(c) && c != '"' && c != '\\';
}

}  // namespace

ChunkedDecoder::Need ChunkedDecoder::Advance(const char* data, size_t size,
                                             const Strictness& strict, size_t* used, Fault* fault) {
  const char* at = data;
  const char* const end = data + size;
  Need need = Need::kMore;
  while (true) {
    if (state_ == State::kData) {
      need = Need::kData;
      break;
    }
    if (state_ == State::kTrailers) {
      need = Need::kTrailers;
      break;
    }
    if (at == end) break;
    const char* detail = "http1.invalid_chunk";
    if (!Step(*at, strict, &detail)) {
      Fail(fault, 400, at, detail);
      need = Need::kFault;
      break;
    }
    ++at;
  }
  *used = static_cast<size_t>(at - data);
  return need;
}

void ChunkedDecoder::Took(uint64_t size) {
  remaining_ -= size;
  if (remaining_ == 0) state_ = State::kDataCr;
}

bool ChunkedDecoder::Step(char c, const Strictness& strict, const char** detail) {
  switch (state_) {
    case State::kSize:
      *detail = "http1.invalid_chunk_size";
      return StepSize(c, strict, detail);
    case State::kSizeLf:
      if (c != '\n') return false;
      digits_ = 0;
      state_ = remaining_ == 0 ? State::kTrailers : State::kData;
      return true;
    case State::kDataCr:
      *detail = "http1.invalid_chunk_end";
      state_ = State::kDataLf;
      return c == '\r';
    case State::kDataLf:
      *detail = "http1.invalid_chunk_end";
      state_ = State::kSize;
      return c == '\n';
    default:
      *detail = "http1.invalid_chunk_extension";
      if (++extension_bytes_ > strict.max_chunk_extension_bytes && c != '\r') {
        *detail = "http1.chunk_extensions_too_long";
        return false;
      }
      return StepExtension(c, strict);
  }
}

bool ChunkedDecoder::StepSize(char c, const Strictness& strict, const char** detail) {
  const int value = util::HexValue(c);
  if (value >= 0) {
    if (digits_ == kMaxDigits || remaining_ >> 59 != 0) return false;  // over 2^63-1
    ++digits_;
    remaining_ = remaining_ << 4 | static_cast<uint64_t>(value);
    return true;
  }
  if (digits_ == 0) return false;
  if (c == '\r') {
    state_ = State::kSizeLf;
    return true;
  }
  if (c == ';') {
    state_ = State::kExtNameStart;
    return true;
  }
  if (util::IsOws(c) && !strict.reject_blanks_in_chunk_line) {
    state_ = State::kExtBlank;
    return true;
  }
  if (util::IsOws(c)) *detail = "http1.blank_in_chunk_line";
  return false;
}

// A name or a value has ended: another extension, or the end of the line.
bool ChunkedDecoder::StepEndOfValue(char c, const Strictness& strict) {
  if (c == ';') {
    state_ = State::kExtNameStart;
  } else if (c == '\r') {
    state_ = State::kSizeLf;
  } else if (util::IsOws(c) && !strict.reject_blanks_in_chunk_line) {
    state_ = State::kExtBlank;
  } else {
    return false;
  }
  return true;
}

bool ChunkedDecoder::StepExtension(char c, const Strictness& strict) {
  const bool blank = util::IsOws(c) && !strict.reject_blanks_in_chunk_line;
  switch (state_) {
    case State::kExtBlank:  // only blanks and ';': "5 \r\n" stays refused
      if (c == ';') state_ = State::kExtNameStart;
      return c == ';' || blank;
    case State::kExtNameStart:
      if (blank) return true;
      state_ = State::kExtName;
      return util::IsTokenByte(c);
    case State::kExtName:
      if (util::IsTokenByte(c)) return true;
      [[fallthrough]];
    case State::kExtAfterName:
      if (c == '=') {
        state_ = State::kExtValueStart;
        return true;
      }
      if (blank) {
        state_ = State::kExtAfterName;
        return true;
      }
      if (state_ == State::kExtAfterName && c == '\r') return false;
      return StepEndOfValue(c, strict);
    case State::kExtValueStart:
      if (blank) return true;
      state_ = c == '"' ? State::kExtQuoted : State::kExtToken;
      return c == '"' || util::IsTokenByte(c);
    case State::kExtToken:
      return util::IsTokenByte(c) || StepEndOfValue(c, strict);
    case State::kExtQuoted:
      if (c == '"') state_ = State::kExtValueEnd;
      if (c == '\\') state_ = State::kExtEscape;
      return c == '"' || c == '\\' || IsQuotedText(c);
    case State::kExtEscape:
      state_ = State::kExtQuoted;
      return util::IsValueByte(c);
    case State::kExtValueEnd:
      return StepEndOfValue(c, strict);
    default:
      return false;
  }
}

}  // namespace weir::h1
