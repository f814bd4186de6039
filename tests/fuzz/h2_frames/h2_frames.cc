// Frames one after another: what the nine octets are judged to be against a table that is written
// for clarity alone; payloads in memory of exactly their size; what is written is what is read.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "codecs/h2/frames/check.h"
#include "codecs/h2/frames/data.h"
#include "codecs/h2/frames/goaway.h"
#include "codecs/h2/frames/headers.h"
#include "codecs/h2/frames/ping.h"
#include "codecs/h2/frames/priority.h"
#include "codecs/h2/frames/priority_update.h"
#include "codecs/h2/frames/rst_stream.h"
#include "codecs/h2/frames/settings.h"
#include "codecs/h2/frames/window_update.h"
#include "codecs/h2/guards/guards.h"

namespace weir::h2 {
namespace {

void Require(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// ---- The plain judgement ----------------------------------------------------------------------

struct Rule {
  FrameType type;
  char on;         // 's'tream, 'c'onnection, 'b'oth
  uint32_t least;  // octets, before what flags add
  uint32_t most;   // 0: the frame size
  Scope size_scope;
};

constexpr Rule kRules[] = {
    {FrameType::kData, 's', 0, 0, Scope::kStream},
    {FrameType::kHeaders, 's', 0, 0, Scope::kConnection},
    {FrameType::kPriority, 's', 5, 5, Scope::kStream},
    {FrameType::kRstStream, 's', 4, 4, Scope::kConnection},
    {FrameType::kSettings, 'c', 0, 0, Scope::kConnection},
    {FrameType::kPing, 'c', 8, 8, Scope::kConnection},
    {FrameType::kGoaway, 'c', 8, 0, Scope::kConnection},
    {FrameType::kWindowUpdate, 'b', 4, 4, Scope::kConnection},
    {FrameType::kContinuation, 's', 0, 0, Scope::kConnection},
    {FrameType::kPriorityUpdate, 'c', 4, 0, Scope::kConnection},
};

struct Verdict {
  Scope scope;
  ErrorCode code;
};

constexpr Verdict kFine{Scope::kNone, ErrorCode::kNoError};
constexpr Verdict kBroken{Scope::kConnection, ErrorCode::kProtocolError};

Verdict JudgeSize(const Rule& rule, const FrameHeader& header, const FrameContext& context) {
  uint32_t least = rule.least;
  const bool padded = rule.type == FrameType::kData || rule.type == FrameType::kHeaders;
  if (padded && (header.flags & 0x8) != 0) least += 1;
  if (rule.type == FrameType::kHeaders && (header.flags & 0x20) != 0) least += 5;
  uint32_t most = rule.most == 0 ? context.max_frame_size : rule.most;
  if (rule.type == FrameType::kSettings) {
    if ((header.flags & 0x1) != 0) most = 0;
    if (header.length % 6 != 0) return {Scope::kConnection, ErrorCode::kFrameSizeError};
  }
  if (header.length >= least && header.length <= most) return kFine;
  return {rule.size_scope, ErrorCode::kFrameSizeError};
}

Verdict Judge(const FrameHeader& header, const FrameContext& context) {
  const bool ack = (header.flags & 0x1) != 0;
  if (!context.preface_done && (header.type != FrameType::kSettings || ack)) return kBroken;
  const bool continues = header.type == FrameType::kContinuation;
  if (context.open_block != 0 && !continues) return kBroken;
  if (continues && header.stream != context.open_block) return kBroken;
  const bool fits = header.length <= context.max_frame_size;
  if (header.type == FrameType::kPushPromise && fits) return kBroken;
  const bool server = context.position == Position::kServer;
  if (header.type == FrameType::kPriorityUpdate && !server) return kBroken;
  for (const Rule& rule : kRules) {
    if (rule.type != header.type) continue;
    if (rule.on == 's' && header.stream == 0) return kBroken;
    if (rule.on == 'c' && header.stream != 0) return kBroken;
    return JudgeSize(rule, header, context);
  }
  return fits ? kFine : Verdict{Scope::kConnection, ErrorCode::kFrameSizeError};
}

// ---- Payloads ---------------------------------------------------------------------------------

struct Connection {
  FrameContext context;
  PeerSettings settings;
  Guards guards;
  int32_t window = static_cast<int32_t>(kDefaultWindow);
};

// At most 32 bytes of a frame that was read, written again: but for its flags it is the same.
void SameBytes(const FrameHeader& header, const uint8_t* payload, const uint8_t* written,
               const uint8_t* end) {
  const FrameHeader again = ReadFrameHeader(written);
  Require(again.type == header.type && again.stream == header.stream, "another frame");
  Require(again.length == header.length, "another length");
  Require(end == written + kFrameHeaderSize + header.length, "another end");
  Require(std::memcmp(written + kFrameHeaderSize, payload, header.length) == 0, "other bytes");
}

void ReadSettings(const FrameHeader& header, const uint8_t* payload, Connection* connection) {
  PeerSettings& settings = connection->settings;
  SettingsCursor cursor(header, payload);
  size_t entries = 0;
  for (Setting setting; cursor.Next(&setting); ++entries) {
    const uint32_t before = settings.initial_window_size();
    if (settings.Apply(setting, connection->context.position)) return;
    if (ShiftWindow(before, settings.initial_window_size(), &connection->window)) return;
  }
  Require(entries * kSettingSize == header.length, "entries were lost");
  Require(settings.initial_window_size() <= kMaxWindow, "window");
  Require(settings.max_frame_size() >= kMinMaxFrameSize, "small frame size");
  Require(settings.max_frame_size() <= kMaxMaxFrameSize, "large frame size");
  settings.EndFrame();
  connection->context.preface_done = true;
}

void ReadPrefixes(const FrameHeader& header, const uint8_t* payload) {
  if (header.type == FrameType::kData) {
    DataPrefix prefix;
    if (ParseDataPrefix(header, payload, &prefix)) return;
    Require(prefix.size + prefix.content + prefix.padding == header.length, "DATA's parts");
  } else {
    HeadersPrefix prefix;
    if (ParseHeadersPrefix(header, payload, &prefix).scope == Scope::kConnection) return;
    Require(prefix.size + prefix.fragment + prefix.padding == header.length, "HEADERS' parts");
  }
}

void ReadWindowUpdate(const FrameHeader& header, const uint8_t* payload, Connection* connection) {
  uint32_t increment = 0;
  if (ParseWindowUpdate(header, payload, &increment)) return;
  const int64_t before = connection->window;
  const bool refused =
      static_cast<bool>(RaiseWindow(header.stream, increment, &connection->window));
  Require(refused == (before + increment > int64_t{kMaxWindow}), "overflow");
  Require(connection->window == (refused ? before : before + increment), "sum");
}

void ReadPriorityUpdate(const FrameHeader& header, const uint8_t* payload) {
  PriorityUpdate update;
  if (ParsePriorityUpdate(header, payload, &update)) return;
  Require(update.value.urgency <= 7, "urgency");
  uint8_t bytes[kPriorityUpdateFrameSize];
  uint8_t* const end = WritePriorityUpdate(bytes, update.stream, update.value);
  PriorityUpdate again;
  Require(end <= bytes + sizeof(bytes), "too long");
  Require(!ParsePriorityUpdate(ReadFrameHeader(bytes), bytes + kFrameHeaderSize, &again),
          "refused");
  Require(again.stream == update.stream && again.value.urgency == update.value.urgency &&
              again.value.incremental == update.value.incremental,
          "another value");
}

void ReadPayload(const FrameHeader& header, const uint8_t* payload, Connection* connection) {
  uint8_t bytes[32];
  switch (header.type) {
    case FrameType::kData:
    case FrameType::kHeaders:
      ReadPrefixes(header, payload);
      break;
    case FrameType::kPriority:
      ParsePriority(header, payload);
      break;
    case FrameType::kSettings:
      if (!header.Has(kFlagAck)) ReadSettings(header, payload, connection);
      break;
    case FrameType::kRstStream:
      SameBytes(header, payload, bytes,
                WriteRstStream(bytes, header.stream, ParseRstStream(payload)));
      break;
    case FrameType::kPing:
      SameBytes(header, payload, bytes, WritePing(bytes, ParsePing(payload), false));
      break;
    case FrameType::kGoaway:
      Require(ParseGoaway(payload).last_stream <= kMaxStream, "R");
      break;
    case FrameType::kWindowUpdate:
      ReadWindowUpdate(header, payload, connection);
      break;
    case FrameType::kPriorityUpdate:
      ReadPriorityUpdate(header, payload);
      break;
    default:
      break;
  }
}

// Where a header block stands after the frame.
void FollowBlock(const FrameHeader& header, Connection* connection) {
  if (header.type != FrameType::kHeaders && header.type != FrameType::kContinuation) return;
  const GuardLimits& limits = kDefaultGuardLimits;
  const GuardId id = header.type == FrameType::kHeaders
                         ? connection->guards.BlockBegins(header.length, limits)
                         : connection->guards.BlockContinues(header.length, limits);
  Require(id == GuardId::kNone || id == GuardId::kContinuationFlood, "another guard");
  const bool over = header.Has(kFlagEndHeaders) || id != GuardId::kNone;
  connection->context.open_block = over ? 0 : header.stream;
}

// Takes one frame from the front; what is missing of its payload is not there for the parsers.
size_t Take(const uint8_t* data, size_t size, Connection* connection) {
  const FrameHeader header = ReadFrameHeader(data);
  const Fault fault = CheckFrameHeader(header, connection->context);
  const Verdict verdict = Judge(header, connection->context);
  Require(fault.scope == verdict.scope && fault.code == verdict.code, "another verdict");
  Require((fault.detail == nullptr) == (fault.scope == Scope::kNone), "detail");
  if (fault.scope == Scope::kConnection) return size;
  const size_t whole = kFrameHeaderSize + header.length;
  if (whole > size) return size;
  if (!fault) {
    const std::vector<uint8_t> payload(data + kFrameHeaderSize, data + whole);
    ReadPayload(header, payload.data(), connection);
    FollowBlock(header, connection);
  }
  return whole;
}

}  // namespace
}  // namespace weir::h2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::h2;
  if (size == 0) return 0;
  Connection connection;
  connection.context.preface_done = (data[0] & 1) != 0;
  if ((data[0] & 2) != 0) connection.context.position = Position::kClient;
  if ((data[0] & 4) != 0) connection.context.max_frame_size = 20000;
  ++data;
  --size;
  while (size >= kFrameHeaderSize) {
    const size_t taken = Take(data, size, &connection);
    data += taken;
    size -= taken;
  }
  return 0;
}
