#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codecs/h2/frames/settings.h"
#include "codecs/h2/hpack/decoder.h"
#include "codecs/h2/hpack/encoder.h"
#include "tests/simulation/world.h"

namespace weir::sim {

// One stream as a simulated peer sees it. It stays known until its connection is over.
struct H2Stream {
  uint32_t id = 0;
  Request* request = nullptr;
  size_t attempt = 0;  // of a backend

  // What we send.
  int64_t send_window = 0;
  uint64_t key = 0;  // makes the body's bytes
  uint64_t body_size = 0;
  uint64_t body_sent = 0;
  uint64_t next_at = 0;     // when more of it is sent
  bool sending = false;     // the head was sent, the end was not
  bool cut = false;         // no end follows the body
  bool has_length = false;  // announced: its last byte is the end, for who goes by it
  bool trailers = false;
  bool ended = false;
  bool reset_sent = false;

  // What the worker sends.
  int64_t window = 0;
  uint64_t uncredited = 0;
  uint64_t received = 0;
  bool head_received = false;  // the final one
  bool received_all = false;
  bool reset_received = false;

  bool over = false;  // nobody here wants to know any more

  bool WorkerMaySend() const { return !received_all && !reset_received; }
  bool Closed() const { return reset_sent || reset_received || (ended && received_all); }
};

// One end of an HTTP/2 connection with a frame layer of its own, that knows nothing of the codec
// under test: it sends what the protocol allows, in odd ways, and holds the worker to each rule
// that can be seen on the wire. Windows are counted exactly: an increment counts from when it is
// sent, a setting from when it is acknowledged.
class H2End : public Peer {
 public:
  enum class Side : uint8_t { kClient, kServer };  // which we are
  using Fields = std::vector<std::pair<std::string, std::string>>;

  H2End(World* world, Side side);

  void OnBytes(std::string_view bytes) override;
  void OnLost(std::string_view bytes) override;
  size_t ReadRoom() override;

 protected:
  // What came on a stream that was not reset. A head may be an interim one.
  virtual void OnHead(H2Stream* stream, const Fields& fields, bool end) = 0;
  virtual void OnTrailers(H2Stream* stream, const Fields& fields) = 0;
  virtual void OnData(H2Stream* stream, std::string_view bytes, bool end) = 0;
  virtual void OnReset(H2Stream* stream, uint32_t code) = 0;
  virtual void OnGoaway(uint32_t last, uint32_t code) = 0;
  // A head that nobody will read: the connection was closed.
  virtual void OnLostHead(uint32_t id, const Fields& fields) = 0;
  virtual void Wrong(const std::string& what) = 0;
  // The body was sent, and no end is to follow.
  virtual void OnCut(H2Stream* stream) = 0;
  // The body was sent to its end.
  virtual void OnSent(H2Stream* stream) = 0;

  // A new connection.
  void Restart(test::SimLink* link);
  void SendPreface();
  H2Stream* NewStream(uint32_t id);
  H2Stream* Find(uint32_t id);
  void SendHead(H2Stream* stream, const Fields& fields, bool end);
  void SendReset(H2Stream* stream, uint32_t code);
  void SendGoaway(uint32_t last, uint32_t code);
  void SendRaw(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload);
  // What a connection does by itself: bodies, credit, settings, pings. Returns when it wants to be
  // called again.
  uint64_t Play();
  uint32_t open_streams() const;
  // The worker can send `size` bytes on each stream, and nothing that it said waits for an answer.
  bool WindowsSuffice(int64_t size) const;
  uint32_t worker_max_streams() const { return worker_.streams; }
  bool worker_settings_known() const { return worker_settings_; }
  static uint32_t Status(const Fields& fields);
  static std::string_view Get(const Fields& fields, std::string_view name);

  World* const world_;
  const Side side_;
  test::SimLink* link_ = nullptr;
  std::map<uint32_t, H2Stream> streams_;
  bool open_ = false;
  bool deaf_ = false;  // reads nothing more
  bool mute_ = false;  // sends no more of bodies, credit, settings
  bool preface_sent_ = false;
  bool broke_ = false;  // broke the protocol on purpose

 private:
  // What an end announces.
  struct Settings {
    uint32_t window = 65535;
    uint32_t frame = 16384;
    uint32_t table = 4096;
    uint32_t streams = UINT32_MAX;
  };
  enum class Credit : uint8_t { kEager, kLazy, kDrip, kLate };

  // --- receiving
  bool TakePreface();
  bool TakeFrame();
  void OnFrame(const h2::FrameHeader& header, std::string_view payload);
  bool HeadAllowed(const h2::FrameHeader& header);
  void OnHeadersFrame(const h2::FrameHeader& header, std::string_view payload);
  void OnBlock();
  void GiveBlock(const Fields& fields);
  void OnDataFrame(const h2::FrameHeader& header, std::string_view payload);
  void OnResetFrame(const h2::FrameHeader& header, std::string_view payload);
  void OnSettingsFrame(const h2::FrameHeader& header, std::string_view payload);
  void OnSettingsAck();
  void ApplySetting(uint32_t id, uint32_t value);
  void OnPingFrame(const h2::FrameHeader& header, std::string_view payload);
  void OnGoawayFrame(std::string_view payload);
  void OnWindowFrame(const h2::FrameHeader& header, std::string_view payload);
  bool Decode(Fields* fields);
  void Tell(const char* what, const h2::FrameHeader& header) const;

  // --- sending
  void SendSettings(const Settings& settings);
  void SendPing(uint64_t opaque);
  void SendWindow(uint32_t stream, uint32_t increment);
  void SendBodies();
  bool SendBody(H2Stream* stream);
  void SendEnd(H2Stream* stream);
  void GiveCredit();
  uint64_t CreditOf(uint64_t uncredited);
  void PlaySettings();
  void PlayPings();
  uint64_t NextWake() const;

  std::string input_;
  size_t at_ = 0;         // how far it was parsed
  bool ghost_ = false;    // what comes will not be read: requests in it are counted only
  size_t preface_ = 0;    // octets of the client's that are still to come
  bool first_ = true;     // no frame has come
  uint32_t last_id_ = 0;  // the highest that the worker opened
  uint32_t goaway_last_ = UINT32_MAX;  // that the worker said
  bool no_more_streams_ = false;       // it has seen our GOAWAY
  bool goaway_sent_ = false;

  std::string block_;  // of fields, that is being gathered
  uint32_t block_stream_ = 0;
  bool block_ends_ = false;
  h2::hpack::Decoder decoder_;
  h2::hpack::Encoder encoder_;

  Settings ours_;  // in force at the worker, for all we know
  Settings said_;  // the last we sent
  std::deque<Settings> unacked_;
  Settings usual_;         // what a game ends with
  uint64_t usual_at_ = 0;  // 0: no game is on
  Settings worker_;
  bool worker_settings_ = false;

  int64_t window_ = 65535;  // of the connection, that the worker has
  uint64_t uncredited_ = 0;
  int64_t send_window_ = 65535;
  std::deque<uint64_t> pings_;

  Credit credit_ = Credit::kEager;
  uint64_t credit_at_ = 0;
  uint64_t least_credit_ = 1;
  bool pads_ = false;
  bool splits_ = false;
  uint32_t settings_left_ = 0;
  uint32_t pings_left_ = 0;
  uint32_t oddities_left_ = 0;
  uint32_t empties_left_ = 0;
};

}  // namespace weir::sim
