#include "core/observe/access_log_record.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

namespace weir::observe {
namespace {

constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighs = 0x8080808080808080;
constexpr size_t kEscapeSize = 4;  // \xNN
constexpr size_t kEllipsis = 3;

constexpr uint64_t HasZero(uint64_t word) {
  return (word - kOnes) & ~word & kHighs;
}

// Not zero if one of the eight bytes must be escaped.
constexpr uint64_t HasSpecial(uint64_t word) {
  const uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
  return control | (word & kHighs) | HasZero(word ^ kOnes * 0x7f) | HasZero(word ^ kOnes * '"') |
         HasZero(word ^ kOnes * '\\');
}

constexpr bool IsSpecial(uint8_t byte) {
  return byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\';
}

char* Copy(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* Escape(char* out, uint8_t byte) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  *out++ = '\\';
  *out++ = 'x';
  *out++ = kHex[byte >> 4];
  *out++ = kHex[byte & 15];
  return out;
}

// Writes values of a line; `truncated` once one was longer than its limit.
class ValueWriter {
 public:
  explicit ValueWriter(char* room) : out_(room) {}

  void Value(std::string_view value, size_t limit = kMaxLoggedValue) {
    if (value.empty()) {
      *out_++ = '-';
      return;
    }
    const char* at = value.data();
    const char* const end = at + value.size();
    char* const stop = out_ + limit - kEllipsis;
    while (at != end) {
      if (end - at >= 8 && stop - out_ >= 8) {
        uint64_t word;
        std::memcpy(&word, at, 8);
        if (HasSpecial(word) == 0) {
          std::memcpy(out_, &word, 8);
          at += 8;
          out_ += 8;
          continue;
        }
      }
      // Up to eight bytes one by one, and then the wide way again.
      for (int i = 0; i < 8 && at != end; ++i, ++at) {
        const auto byte = static_cast<uint8_t>(*at);
        const bool special = IsSpecial(byte);
        if (stop - out_ < static_cast<ptrdiff_t>(special ? kEscapeSize : 1)) {
          truncated_ = true;
          out_ = Copy(out_, "...");
          return;
        }
        if (special) {
          out_ = Escape(out_, byte);
        } else {
          *out_++ = static_cast<char>(byte);
        }
      }
    }
  }
  void Number(uint64_t number) { out_ = std::to_chars(out_, out_ + 20, number).ptr; }
  void Raw(std::string_view text) { out_ = Copy(out_, text); }
  void Flags(ResponseFlags flags) { out_ = WriteResponseFlags(flags, out_); }
  FormattedLine Finish() const { return {out_, truncated_}; }

 private:
  char* out_;
  bool truncated_ = false;
};

size_t Bound(std::string_view value, size_t limit = kMaxLoggedValue) {
  return std::min(value.size() * kEscapeSize + kEllipsis, limit);
}

// Date, code, four numbers and the marks between the values.
constexpr size_t kFixedBound = DateCache::kLogTimeSize + 10 + size_t{4} * 20 + 64;
static_assert(kFixedBound + kMaxResponseFlagsText <= 512);

}  // namespace

size_t AccessLogLineBound(const AccessLogRecord& record) {
  return kFixedBound + kMaxResponseFlagsText + Bound(record.method) +
         Bound(record.path, kMaxLoggedPath) + Bound(record.protocol) +
         Bound(record.x_forwarded_for) + Bound(record.user_agent) + Bound(record.request_id) +
         Bound(record.authority) + Bound(record.upstream_host);
}

FormattedLine FormatAccessLogLine(const AccessLogRecord& record, DateCache* dates, char* room) {
  ValueWriter line(room);
  line.Raw("[");
  line.Raw(dates->LogTime(record.start_time_unix_ms));
  line.Raw("] \"");
  line.Value(record.method);
  line.Raw(" ");
  line.Value(record.path, kMaxLoggedPath);
  line.Raw(" ");
  line.Value(record.protocol);
  line.Raw("\" ");
  line.Number(record.response_code);
  line.Raw(" ");
  line.Flags(record.flags);
  for (const uint64_t number : {record.bytes_received, record.bytes_sent, record.duration_ms}) {
    line.Raw(" ");
    line.Number(number);
  }
  line.Raw(" ");
  if (record.upstream_service_time_ms < 0) {
    line.Raw("-");
  } else {
    line.Number(static_cast<uint64_t>(record.upstream_service_time_ms));
  }
  for (const std::string_view value : {record.x_forwarded_for, record.user_agent, record.request_id,
                                       record.authority, record.upstream_host}) {
    line.Raw(" \"");
    line.Value(value);
    line.Raw("\"");
  }
  line.Raw("\n");
  return line.Finish();
}

}  // namespace weir::observe
