// What RFC 8441 and RFC 9218 add, and floods (RFC 9113 section 10.5) in short; attacks_test.cc has
// them one by one.

#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

constexpr auto kProtocol = ErrorCode::kProtocolError;

TEST(H2Conformance, EnableConnectProtocolIsZeroOrOne) {
  for (const uint32_t value : {2u, UINT32_MAX}) {
    CostsTheConnection(H2Setup::Client(), kProtocol,
                       wire::Settings({{SettingId::kEnableConnectProtocol, value}}));
  }
}

TEST(H2Conformance, EnableConnectProtocolIsNotTakenBack) {
  CostsTheConnection(H2Setup::Client(), kProtocol,
                     wire::Settings({{SettingId::kEnableConnectProtocol, 1}})
                         << wire::Settings({{SettingId::kEnableConnectProtocol, 0}}));
  IsFine(H2Setup::Client(), [](H2Harness&) {
    return wire::Settings({{SettingId::kEnableConnectProtocol, 0}})
           << wire::Settings({{SettingId::kEnableConnectProtocol, 1}})
           << wire::Settings({{SettingId::kEnableConnectProtocol, 1}});
  });
}

TEST(H2Conformance, NoRfc7540PrioritiesIsZeroOrOne) {
  CostsTheConnection(kProtocol, wire::Settings({{SettingId::kNoRfc7540Priorities, 2}}));
}

TEST(H2Conformance, NoRfc7540PrioritiesStays) {
  // The handshake's SETTINGS has not named it: 0.
  CostsTheConnection(kProtocol, wire::Settings({{SettingId::kNoRfc7540Priorities, 1}}));
  H2Setup named;
  named.peer_settings = {{SettingId::kNoRfc7540Priorities, 1}};
  CostsTheConnection(named, kProtocol, wire::Settings({{SettingId::kNoRfc7540Priorities, 0}}));
  IsFine(named, [](H2Harness&) { return wire::Settings({{SettingId::kNoRfc7540Priorities, 1}}); });
}

TEST(H2Conformance, PriorityUpdateComesFromClients) {
  CostsTheConnection(H2Setup::Client(), kProtocol, wire::PriorityUpdate(1, "u=1"));
}

TEST(H2Conformance, PriorityUpdateBelongsToTheConnection) {
  CostsTheConnection(kProtocol,
                     wire::Frame(FrameType::kPriorityUpdate, 0, 1, wire::Number(1, 4) + "u=1"));
}

TEST(H2Conformance, PriorityUpdateHasAStreamNumber) {
  for (const size_t size : {0u, 3u}) {
    CostsTheConnection(ErrorCode::kFrameSizeError,
                       wire::Frame(FrameType::kPriorityUpdate, 0, 0, std::string(size, '\1')));
  }
}

TEST(H2Conformance, PriorityUpdateNamesARequest) {
  CostsTheConnection(kProtocol, wire::PriorityUpdate(0, "u=1"));
  CostsTheConnection(kProtocol, wire::PriorityUpdate(2, "u=1"));
}

TEST(H2Conformance, FloodsEndTheConnection) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.setup().cut = 0;
    const uint64_t before = H2Harness::Counter("h2.guard.ping_flood");
    for (int i = 0; i < 100; ++i) h.Feed(wire::Ping());
    EXPECT_EQ(h.CountFrames(FrameType::kPing), 100u);
    EXPECT_FALSE(h.closed());
    h.Feed(wire::Ping());
    h.ExpectConnectionError(ErrorCode::kEnhanceYourCalm);
    EXPECT_EQ(H2Harness::Counter("h2.guard.ping_flood"), before + 1);
  });
}

}  // namespace
}  // namespace weir::h2
