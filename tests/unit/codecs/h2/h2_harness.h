// A codec under test between a host and a peer: the host adopts, keeps what it is told and answers
// when a test says so; the peer (h2_peer.h) reads all that is written and keeps the books. Bytes
// are fed in the cuts of the run: a test runs in each of several ways (ForAllCuts).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "codecs/h2/options.h"
#include "plugins/abi/weir.h"
#include "tests/support/fake_codec_host.h"
#include "tests/unit/codecs/h2/h2_peer.h"
#include "tests/unit/codecs/h2/h2_wire.h"

namespace weir::h2 {

struct H2Setup {
  uint8_t position = WEIR_SERVER;
  weir_codec_params params = test::FakeCodecParams(WEIR_SERVER);  // position is set by the harness
  Options options;
  // The host says `consumed` for each byte at once.
  bool consume = true;
  // The handshake is done before the test begins: SETTINGS of both, acknowledged.
  bool handshake = true;
  // The client's first octets are the test's.
  bool preface = true;
  wire::SettingList peer_settings;
  int cut = 0;  // how the bytes come: whole, one by one, in random cuts
  // Answers false for a head whose bytes are not legal; the host then refuses it as ours does.
  bool (*check)(const weir_head& head) = nullptr;

  static H2Setup Client() {
    H2Setup setup;
    setup.position = WEIR_CLIENT;
    return setup;
  }
};

// An event as a test looks at it.
struct SeenEvent {
  uint8_t type = WEIR_EVENT_NONE;
  bool end = false;
  uint32_t stream = 0;
  uint32_t last_stream = 0;
  uint16_t reason = 0;
  uint16_t scope = 0;
  uint16_t status = 0;
  std::string detail;
};

// A message's head, copied.
struct SeenHead {
  uint8_t kind = 0;
  uint16_t status = 0;
  uint32_t flags = 0;
  uint64_t length = 0;
  uint32_t group = 0;
  std::string method, scheme, authority, path, protocol;
  TextFields fields;

  std::string Field(std::string_view name) const;
  bool Has(uint32_t flag) const { return (flags & flag) != 0; }
};

// The host's half of a stream.
struct HostStream {
  test::FakeStream out;
  std::vector<SeenHead> heads;
  std::string body;
  SeenHead trailers;
  bool complete = false;  // its received half
  bool over = false;      // reset by either side, or by a fault
  uint16_t reason = 0;
  uint16_t status = 0;  // of an ERROR that asks for an answer
  uint32_t held = 0;    // of the body, not told as consumed
  uint32_t adopted = 0;
  std::vector<weir_field> trailer_fields;
  weir_head trailer_head{};
};

class H2Harness {
 public:
  explicit H2Harness(H2Setup setup);
  ~H2Harness();
  H2Harness(const H2Harness&) = delete;
  H2Harness& operator=(const H2Harness&) = delete;

  // --- The peer's side
  void Feed(const std::string& bytes);
  // All at once, and nothing is written for it yet.
  void FeedQuietly(const std::string& bytes);
  void FeedEof();
  // A block of the peer's encoder, which is one for the connection.
  std::string Block(const TextFields& fields);
  // A request with this path; more fields behind it.
  std::string Request(const std::string& path, const TextFields& more = {});
  std::string Response(const std::string& status, const TextFields& more = {});
  EagerEncoder& encoder() { return encoder_; }

  // --- The host's side
  // Client: opens a stream and sends a request; its number.
  uint32_t Send(const std::string& path, bool end = true, const TextFields& more = {});
  uint32_t Open();
  int32_t SendHead(uint32_t number, const SeenHead& head, bool end);
  int32_t Answer(uint32_t number, uint16_t status, bool end, const TextFields& more = {});
  void Body(uint32_t number, const std::string& bytes, bool end);
  // The same, and nothing is written for it yet.
  void Queue(uint32_t number, const std::string& bytes, bool end);
  void Trailers(uint32_t number, const TextFields& fields);
  void Consume(uint32_t number, uint32_t size);
  void ResetStream(uint32_t number, uint32_t reason);
  void GoAway(uint32_t phase);
  // Time goes on; what is due is done.
  void Advance(uint64_t ms);
  void Produce(uint64_t budget = 1 << 20);
  // What it answers.
  uint32_t ProduceOnce(uint64_t budget);
  uint32_t Capacity() const;
  uint32_t Reusable() const;
  uint64_t Deadline() const;

  // --- What happened
  const std::vector<SeenEvent>& events() const { return events_; }
  size_t CountEvents(uint8_t type) const;
  HostStream& stream(uint32_t number) { return *streams_.at(number); }
  bool knows(uint32_t number) const { return streams_.count(number) != 0; }
  const H2Peer& peer() const { return peer_; }
  H2Peer& peer() { return peer_; }
  const std::vector<OutFrame>& frames() const { return peer_.frames(); }
  size_t CountFrames(FrameType type, uint32_t stream = UINT32_MAX) const;
  const OutFrame* LastFrame(FrameType type, uint32_t stream = UINT32_MAX) const;
  // All content of DATA frames of a stream.
  std::string Sent(uint32_t stream) const;
  bool SentEnd(uint32_t stream) const;
  bool closed() const { return closed_; }
  uint64_t now() const { return now_; }
  weir_codec* codec() { return codec_; }
  bool server() const { return setup_.position == WEIR_SERVER; }
  H2Setup& setup() { return setup_; }
  // The fake host's counter, by its whole name.
  static uint64_t Counter(const std::string& name);

  // --- What a test expects
  // GOAWAY with the code is out, once; the host was told, once; nothing more is read or said.
  void ExpectConnectionError(ErrorCode code);
  // The same where the clock or our own side found the fault: produce alone tells it.
  void ExpectEnd(ErrorCode code);
  // RST_STREAM with the code is out, once; the host was told when it knew of the stream; others go
  // on.
  void ExpectStreamError(uint32_t wire, ErrorCode code);
  // No RST_STREAM and no GOAWAY; others go on.
  void ExpectFine();
  // A new stream works, and the tables of both directions are in step.
  void ExpectServes();

 private:
  void Handshake();
  void Ask(uint32_t flags, bool to_the_end);
  void OnEvent(const weir_event& event);
  void OnHead(const weir_event& event);
  void ServeOne(const std::string& name);
  void AskOne(const std::string& name);
  size_t NextCut(size_t left);

  H2Setup setup_;
  const weir_codec_api& api_;
  uint64_t now_ = 1000;
  H2Peer peer_;
  EagerEncoder encoder_;
  std::mt19937_64 random_;
  test::FakeOut out_;
  weir_codec* codec_ = nullptr;
  std::string input_;
  std::map<uint32_t, std::unique_ptr<HostStream>> streams_;
  std::vector<SeenEvent> events_;
  bool closed_ = false;
  uint32_t next_peer_stream_ = 1001;  // of ExpectServes
  int served_ = 0;
};

// Runs the test whole, byte by byte and in random cuts, each with a new codec; afterwards the peer
// must have nothing to complain of and all memory must be back.
void ForAllCuts(const H2Setup& setup, const std::function<void(H2Harness&)>& test);
// Only whole: for tests in which the cuts do not matter.
void Once(const H2Setup& setup, const std::function<void(H2Harness&)>& test);

}  // namespace weir::h2
