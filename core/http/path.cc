#include "core/http/path.h"

#include <array>
#include <cstring>

// WEIR_PORTABLE_SCAN: a test's way to the code of machines without SSE2.
#if defined(__SSE2__) && !defined(WEIR_PORTABLE_SCAN)
#define WEIR_SSE2_SCAN
#include <emmintrin.h>
#endif

namespace weir::http {
namespace {

constexpr uint8_t kForbiddenByte = 1;  // may not stand in a target
constexpr uint8_t kUnreservedByte = 2;

constexpr bool IsAlphaOrDigit(unsigned c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr std::array<uint8_t, 256> MakeByteTable() {
  std::array<uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    if (c <= 0x20 || c > 0x7e || c == '#') table[c] |= kForbiddenByte;
    if (IsAlphaOrDigit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      table[c] |= kUnreservedByte;
    }
  }
  return table;
}

constexpr std::array<uint8_t, 256> kBytes = MakeByteTable();

bool Is(char c, uint8_t kind) {
  return (kBytes[static_cast<uint8_t>(c)] & kind) != 0;
}

// What the scan looks for besides forbidden bytes, all in the path only: '%' and '\' anywhere, '/'
// or '.' after '/', and ';' where parameters are stripped. Whether one of these really asks for a
// change is the slow path's to say.
#if defined(WEIR_SSE2_SCAN)

struct Window {
  uint32_t forbidden;
  uint32_t query;
  uint32_t slash;
  uint32_t slash_or_dot;
  uint32_t special;
};

uint32_t Mask(__m128i v) {
  return static_cast<uint32_t>(_mm_movemask_epi8(v));
}

Window Look(__m128i v, bool parameters) {
  auto is = [v](char c) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(c)); };
  Window w;
  // Signed: bytes from 0x80 on are below the space, too.
  const uint32_t printable = Mask(_mm_cmpgt_epi8(v, _mm_set1_epi8(0x20)));
  w.forbidden = (~printable & 0xffff) | Mask(_mm_or_si128(is('#'), is(0x7f)));
  w.query = Mask(is('?'));
  const __m128i slash = is('/');
  w.slash = Mask(slash);
  w.slash_or_dot = Mask(_mm_or_si128(slash, is('.')));
  w.special = Mask(_mm_or_si128(is('%'), is('\\')));
  if (parameters) w.special |= Mask(is(';'));
  return w;
}

// 1 to 15 bytes, the rest zero, without reading past the end.
__m128i LoadPart(const char* p, size_t n) {
  uint64_t low = 0;
  uint64_t high = 0;
  if (n >= 8) {
    std::memcpy(&low, p, 8);
    if (n > 8) {
      std::memcpy(&high, p + n - 8, 8);
      high >>= 8 * (16 - n);
    }
  } else if (n >= 4) {
    uint32_t head;
    uint32_t tail;
    std::memcpy(&head, p, 4);
    std::memcpy(&tail, p + n - 4, 4);
    low = head | static_cast<uint64_t>(tail) << (8 * (n - 4));
  } else {
    const auto* u = reinterpret_cast<const uint8_t*>(p);
    low = u[0] | static_cast<uint64_t>(u[n / 2]) << (8 * (n / 2)) |
          static_cast<uint64_t>(u[n - 1]) << (8 * (n - 1));
  }
  return _mm_set_epi64x(static_cast<int64_t>(high), static_cast<int64_t>(low));
}

bool IsClean(std::string_view target, bool parameters) {
  uint32_t after_slash = 0;
  uint32_t in_path = 0xffff;
  for (size_t i = 0; i < target.size(); i += 16) {
    const size_t left = target.size() - i;
    const char* p = target.data() + i;
    const __m128i v =
        left >= 16 ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)) : LoadPart(p, left);
    const uint32_t valid = left >= 16 ? 0xffff : (1u << left) - 1;
    const Window w = Look(v, parameters);
    // The bits below the first '?'; all of them without one, none once it was seen.
    const uint32_t path = in_path & (w.query == 0 ? 0xffff : (w.query & -w.query) - 1);
    const uint32_t pairs = ((w.slash << 1) | after_slash) & w.slash_or_dot;
    if ((valid & (w.forbidden | (path & (pairs | w.special)))) != 0) return false;
    after_slash = w.slash >> 15 & 1;
    if (w.query != 0) in_path = 0;
  }
  return true;
}

#else

bool IsClean(std::string_view target, bool parameters) {
  bool in_path = true;
  char last = 0;
  for (char c : target) {
    if (Is(c, kForbiddenByte)) return false;
    if (c == '?') in_path = false;
    const bool pair = last == '/' && (c == '/' || c == '.');
    if (in_path && (pair || c == '%' || c == '\\' || (parameters && c == ';'))) return false;
    last = c;
  }
  return true;
}

#endif

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Everything that can be wrong, found before a byte is written.
PathError CheckBytes(std::string_view target) {
  if (target.empty()) return PathError::kEmpty;
  for (char c : target) {
    if (Is(c, kForbiddenByte)) return c == '#' ? PathError::kFragment : PathError::kForbidden;
  }
  return target[0] == '/' ? PathError::kNone : PathError::kNotAbsolute;
}

// The byte that the escape at path[at] stands for, or -1 where none does.
int EscapedByte(std::string_view path, size_t at) {
  if (path.size() - at < 3) return -1;
  const int high = HexValue(path[at + 1]);
  const int low = HexValue(path[at + 2]);
  return high < 0 || low < 0 ? -1 : high << 4 | low;
}

PathError CheckEscapes(std::string_view path, const PathOptions& options) {
  for (size_t at = path.find('%'); at != path.npos; at = path.find('%', at + 1)) {
    const int value = EscapedByte(path, at);
    if (value < 0 && options.normalize) return PathError::kBadEscape;
    if (value == 0) return PathError::kEscapedNul;
    if (options.escaped_slashes == EscapedSlashes::kReject && (value == '/' || value == '\\')) {
      return PathError::kEscapedSlash;
    }
  }
  return PathError::kNone;
}

// Writes the normal form behind the reading position, so input and output may be the same bytes:
// every step writes at most what it has read.
class Normalizer {
 public:
  Normalizer(std::string_view path, const PathOptions& options, char* out)
      : path_(path), options_(options), out_(out) {}

  void Run();

  size_t size() const { return size_; }
  bool changed() const { return replaced_ || size_ != path_.size(); }
  bool unescaped_slash() const { return unescaped_slash_; }

 private:
  void TakeEscape();
  void PutHexDigit(char c);
  void TakeSlash();
  // Looks at the segment that ends at size_. True: it was a dot segment, and what precedes it ends
  // with '/'.
  bool EndSegment();
  void MergeSlashes();
  void Put(char c) { out_[size_++] = c; }

  const std::string_view path_;
  const PathOptions& options_;
  char* const out_;
  size_t read_ = 0;
  size_t size_ = 0;
  size_t segment_ = 0;  // where the current segment starts in out_
  bool replaced_ = false;
  bool unescaped_slash_ = false;
};

void Normalizer::Run() {
  Put('/');
  segment_ = read_ = 1;
  while (read_ < path_.size()) {
    const char c = path_[read_];
    if (c == '%') {
      TakeEscape();
    } else if (c == '/') {
      ++read_;
      TakeSlash();
    } else if (c == '\\' && options_.normalize) {
      ++read_;
      replaced_ = true;
      TakeSlash();
    } else {
      ++read_;
      Put(c);
    }
  }
  EndSegment();
  if (options_.merge_slashes) MergeSlashes();
}

void Normalizer::TakeEscape() {
  const int value = EscapedByte(path_, read_);
  const bool unescape = options_.escaped_slashes != EscapedSlashes::kKeep;
  if (value < 0) {
    Put(path_[read_++]);
  } else if (unescape && (value == '/' || value == '\\')) {
    read_ += 3;
    unescaped_slash_ = true;
    if (value == '/' || options_.normalize) {
      TakeSlash();
    } else {
      Put('\\');
    }
  } else if (options_.normalize && Is(static_cast<char>(value), kUnreservedByte)) {
    read_ += 3;
    Put(static_cast<char>(value));
  } else {
    Put(path_[read_++]);
    PutHexDigit(path_[read_++]);
    PutHexDigit(path_[read_++]);
  }
}

void Normalizer::PutHexDigit(char c) {
  if (options_.normalize && c >= 'a') {
    replaced_ = true;
    c = static_cast<char>(c & ~0x20);
  }
  Put(c);
}

void Normalizer::TakeSlash() {
  if (!EndSegment()) Put('/');
  segment_ = size_;
}

bool Normalizer::EndSegment() {
  std::string_view segment(out_ + segment_, size_ - segment_);
  const std::string_view name = segment.substr(0, segment.find(';'));
  if (options_.strip_parameters) size_ = segment_ + name.size();
  if (!options_.normalize || (name != "." && name != "..")) return false;
  size_ = segment_;
  // Above the root there is nothing to remove.
  if (name == ".." && size_ > 1) {
    const size_t slash = std::string_view(out_, size_ - 1).rfind('/');
    size_ = slash + 1;
  }
  return true;
}

void Normalizer::MergeSlashes() {
  size_t to = 1;
  for (size_t from = 1; from < size_; ++from) {
    if (out_[from] != '/' || out_[to - 1] != '/') out_[to++] = out_[from];
  }
  size_ = to;
}

PathResult Rejected(std::string_view target, PathError error) {
  return {PathVerdict::kReject, error, target};
}

PathResult NormalizeSlowly(std::string_view target, const PathOptions& options, char* out) {
  if (PathError error = CheckBytes(target); error != PathError::kNone) {
    return Rejected(target, error);
  }
  const std::string_view path = PathWithoutQuery(target);
  const std::string_view query = target.substr(path.size());
  if (PathError error = CheckEscapes(path, options); error != PathError::kNone) {
    return Rejected(target, error);
  }
  Normalizer normalizer(path, options, out);
  normalizer.Run();
  if (!normalizer.changed()) return {PathVerdict::kUnchanged, PathError::kNone, target};

  if (!query.empty()) std::memmove(out + normalizer.size(), query.data(), query.size());
  const bool redirect = normalizer.unescaped_slash() &&
                        options.escaped_slashes == EscapedSlashes::kUnescapeAndRedirect;
  return {redirect ? PathVerdict::kRedirect : PathVerdict::kChanged, PathError::kNone,
          std::string_view(out, normalizer.size() + query.size())};
}

struct ErrorNames {
  std::string_view detail;
  std::string_view text;
};

constexpr ErrorNames kErrorNames[] = {
    {"", ""},
    {"missing_path_rejected", "the request has no path"},
    {"absolute_path_rejected", "the path does not start with '/'"},
    {"path_normalization_failed", "a control byte, a space or a byte above 0x7e in the path"},
    {"path_normalization_failed", "a fragment in the path"},
    {"path_normalization_failed", "'%' without two hexadecimal digits in the path"},
    {"path_normalization_failed", "%00 in the path"},
    {"path_normalization_failed", "an escaped slash in the path"},
};

}  // namespace

PathResult NormalizePath(std::string_view target, const PathOptions& options, char* out) {
  if (!target.empty() && target[0] == '/' && IsClean(target, options.strip_parameters)) {
    return {PathVerdict::kUnchanged, PathError::kNone, target};
  }
  return NormalizeSlowly(target, options, out);
}

std::string_view PathErrorDetail(PathError error) {
  return kErrorNames[static_cast<size_t>(error)].detail;
}

std::string_view PathErrorText(PathError error) {
  return kErrorNames[static_cast<size_t>(error)].text;
}

}  // namespace weir::http
