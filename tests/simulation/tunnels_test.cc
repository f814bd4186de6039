// Tunnels between protocols, each in many cuts: what goes in on one side comes out on the other,
// all of it, and each side's end is told on its own.

#include <algorithm>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "codecs/h2/frames/frame.h"
#include "codecs/h2/frames/settings.h"
#include "codecs/h2/preface.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/rules_world.h"

namespace weir::sim {
namespace {

using h2::FrameType;

constexpr uint64_t kSeeds = 60;
constexpr size_t kSize = 30'000;  // each way

std::string Frame(FrameType type, uint8_t flags, uint32_t stream, std::string_view payload) {
  uint8_t header[h2::kFrameHeaderSize];
  h2::WriteFrameHeader(header, static_cast<uint32_t>(payload.size()), type, flags, stream);
  return std::string(reinterpret_cast<const char*>(header), sizeof header) + std::string(payload);
}

// A literal that no table keeps (RFC 7541 6.2.2).
std::string Literal(std::string_view name, std::string_view value) {
  std::string field(1, '\0');
  field += static_cast<char>(name.size()) + std::string(name);
  return field + static_cast<char>(value.size()) + std::string(value);
}

std::string EnableConnect() {
  std::string payload("\0\x08\0\0\0\x01", 6);
  return Frame(FrameType::kSettings, 0, 0, payload);
}

std::string DataFrames(std::string_view bytes, uint32_t stream, bool end) {
  std::string frames;
  while (bytes.size() > 10'000) {
    frames += Frame(FrameType::kData, 0, stream, bytes.substr(0, 10'000));
    bytes.remove_prefix(10'000);
  }
  return frames + Frame(FrameType::kData, end ? h2::kFlagEndStream : 0, stream, bytes);
}

// What an HTTP/2 peer was sent.
struct H2Got {
  std::string data;
  std::string block;  // the last one
  uint32_t stream = 0;
  bool ended = false;
  int resets = 0;
};

H2Got Read(std::string_view got, bool preface) {
  H2Got out;
  if (preface) got.remove_prefix(std::min(got.size(), h2::kPrefaceSize));
  while (got.size() >= h2::kFrameHeaderSize) {
    const auto header = h2::ReadFrameHeader(reinterpret_cast<const uint8_t*>(got.data()));
    if (got.size() < h2::kFrameHeaderSize + header.length) break;
    const std::string_view payload = got.substr(h2::kFrameHeaderSize, header.length);
    if (header.type == FrameType::kHeaders) {
      out.block = payload;
      out.stream = header.stream;
    }
    if (header.type == FrameType::kData) out.data += payload;
    if (header.type == FrameType::kRstStream) ++out.resets;
    if (header.type == FrameType::kData || header.type == FrameType::kHeaders)
      out.ended = out.ended || header.Has(h2::kFlagEndStream);
    got.remove_prefix(h2::kFrameHeaderSize + header.length);
  }
  return out;
}

// RFC 6455 4.2.2.
std::string AcceptOf(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  uint8_t digest[20];
  SHA1(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest);
  char base64[32];
  EVP_EncodeBlock(reinterpret_cast<uint8_t*>(base64), digest, sizeof digest);
  return base64;
}

class TunnelsTest : public RulesTest {
 protected:
  // `cuts` changes the pieces in which everything travels.
  void Begin(Speaks down, Speaks up, uint64_t cuts) {
    random_ = base::Random(cuts + 1);
    const size_t pieces[] = {1, 50, 1460, 65536};
    net_.set_most_per_segment(pieces[cuts % 4]);
    net_.set_buffers(cuts % 3 == 0 ? 2000 : 65536, cuts % 5 == 0 ? 2000 : 65536);
    variation_.down = down;
    variation_.up[0] = up;
    variation_.tunnels = true;
    Start();
    AppendBody(1, 0, kSize, &there_);
    AppendBody(2, 0, kSize, &back_);
  }
  void EndAll() {
    for (const auto& client : clients_) client->link->Abort();
    for (const auto& backend : backends_) backend->link->Abort();
    Settle();
    clients_.clear();
    backends_.clear();
    worker_.reset();
    there_.clear();
    back_.clear();
  }
  Script* H2Tunnel() {
    const std::string block = Literal(":method", "CONNECT") + Literal(":protocol", "websocket") +
                              Literal(":scheme", "http") + Literal(":path", "/chat") +
                              Literal(":authority", "a") + Literal("sec-websocket-version", "13");
    return Client(std::string(h2::kPreface, h2::kPrefaceSize) +
                  Frame(FrameType::kSettings, 0, 0, {}) +
                  Frame(FrameType::kHeaders, h2::kFlagEndHeaders, 1, block));
  }
  Script* H1Tunnel() {
    return Client(
        "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  }
  void SpeakH2() {
    on_dial_ = [](Script* backend) { backend->link->Send(EnableConnect()); };
  }

  std::string there_;
  std::string back_;
};

// S-59, RFC 8441.
TEST_F(TunnelsTest, AWebSocketOfHttp1GoesToHttp2) {
  for (uint64_t cuts = 0; cuts < kSeeds && !HasFailure(); ++cuts) {
    SCOPED_TRACE(cuts);
    SpeakH2();
    Begin(Speaks::kH1, Speaks::kH2, cuts);
    Script* client = H1Tunnel();
    Settle();
    ASSERT_EQ(backends_.size(), 1u);
    Script* backend = Backend(0);
    ASSERT_EQ(Read(backend->got, true).stream, 1u) << client->got;
    EXPECT_FALSE(Read(backend->got, true).ended);
    backend->link->Send(Frame(FrameType::kHeaders, h2::kFlagEndHeaders, 1, "\x88"));
    backend->link->Send(DataFrames(back_, 1, cuts % 2 == 0));
    Settle();
    ASSERT_TRUE(client->Got("HTTP/1.1 101 ")) << client->got;
    EXPECT_EQ(client->got.substr(client->got.find("\r\n\r\n") + 4), back_);
    EXPECT_EQ(client->fin, cuts % 2 == 0) << "its end is told at once, the other way is open";
    client->link->Send(there_);
    Settle();
    EXPECT_EQ(Read(backend->got, true).data, there_);
    EXPECT_FALSE(Read(backend->got, true).ended);
    client->link->Fin();
    Settle();
    EXPECT_TRUE(Read(backend->got, true).ended);
    EXPECT_EQ(Read(backend->got, true).resets, 0);
    EndAll();
  }
}

TEST_F(TunnelsTest, AWebSocketOfHttp2GoesToHttp1) {
  for (uint64_t cuts = 0; cuts < kSeeds && !HasFailure(); ++cuts) {
    SCOPED_TRACE(cuts);
    on_dial_ = nullptr;
    Begin(Speaks::kMixed, Speaks::kH1, cuts);
    Script* client = H2Tunnel();
    Settle();
    ASSERT_EQ(backends_.size(), 1u) << Read(client->got, false).block;
    Script* backend = Backend(0);
    ASSERT_TRUE(backend->Got("GET /chat HTTP/1.1\r\n")) << backend->got;
    const size_t key = backend->got.find("sec-websocket-key: ");
    ASSERT_NE(key, std::string::npos) << backend->got;
    backend->link->Send(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n"
        "upgrade: websocket\r\nsec-websocket-accept: " +
        AcceptOf(backend->got.substr(key + 19, 24)) + "\r\n\r\n" + back_);
    Settle();
    EXPECT_EQ(Read(client->got, false).data, back_);
    EXPECT_FALSE(Read(client->got, false).ended);
    const size_t head = backend->got.size();
    client->link->Send(DataFrames(there_, 1, true));
    Settle();
    EXPECT_EQ(backend->got.substr(head), there_);
    EXPECT_TRUE(backend->fin);
    EXPECT_FALSE(Read(client->got, false).ended) << "the other way is open";
    backend->link->Close();
    Settle();
    EXPECT_TRUE(Read(client->got, false).ended);
    EXPECT_EQ(Read(client->got, false).resets, 0);
    EndAll();
  }
}

TEST_F(TunnelsTest, AWebSocketOfHttp2GoesToHttp2) {
  for (uint64_t cuts = 0; cuts < kSeeds && !HasFailure(); ++cuts) {
    SCOPED_TRACE(cuts);
    SpeakH2();
    Begin(Speaks::kH2, Speaks::kH2, cuts);
    Script* client = H2Tunnel();
    Settle();
    ASSERT_EQ(backends_.size(), 1u);
    Script* backend = Backend(0);
    ASSERT_EQ(Read(backend->got, true).stream, 1u);
    backend->link->Send(Frame(FrameType::kHeaders, h2::kFlagEndHeaders, 1, "\x88"));
    Settle();
    client->link->Send(DataFrames(there_, 1, cuts % 2 == 0));
    backend->link->Send(DataFrames(back_, 1, cuts % 2 != 0));
    Settle();
    EXPECT_EQ(Read(client->got, false).data, back_);
    EXPECT_EQ(Read(backend->got, true).data, there_);
    EXPECT_EQ(Read(client->got, false).ended, cuts % 2 != 0);
    EXPECT_EQ(Read(backend->got, true).ended, cuts % 2 == 0);
    // The client's reset, or the backend's end, is the end of the other side too.
    client->link->Send(Frame(FrameType::kRstStream, 0, 1, std::string_view("\0\0\0\x08", 4)));
    Settle();
    EXPECT_EQ(Read(backend->got, true).resets, 1);
    EndAll();
  }
}

}  // namespace
}  // namespace weir::sim
