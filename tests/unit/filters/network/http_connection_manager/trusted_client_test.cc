#include "filters/network/http_connection_manager/trusted_client.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/arena.h"
#include "core/base/slab.h"

namespace weir::hcm {
namespace {

// The client of a request with these fields; "peer" where it is the connection's peer.
std::string Client(bool use_remote_address, std::uint32_t hops,
                   const std::vector<std::string_view>& fields) {
  config::HttpConnectionManager settings;
  settings.use_remote_address = use_remote_address;
  settings.xff_num_trusted_hops = hops;
  base::SlabPool pool;
  alignas(16) std::uint8_t memory[1024 + base::Slab::kPadding];
  base::Arena arena(&pool, memory, 1024, 1u << 20);
  http::Message request(&arena);
  request.Reset(WEIR_HEAD_REQUEST);
  for (const std::string_view value : fields) {
    EXPECT_EQ(request.Add("x-forwarded-for", value), WEIR_OK) << value;
  }
  const std::string_view client = TrustedClient(settings, &request);
  return client.empty() ? "peer" : std::string(client);
}

TEST(TrustedClient, AtTheEdgeThePeerIsTheClientWhateverItSays) {
  EXPECT_EQ(Client(true, 0, {}), "peer");
  EXPECT_EQ(Client(true, 0, {"1.1.1.1"}), "peer");
}

TEST(TrustedClient, BehindTrustedProxiesTheirEntryCounts) {
  EXPECT_EQ(Client(true, 1, {"1.1.1.1, 2.2.2.2"}), "2.2.2.2");
  EXPECT_EQ(Client(true, 2, {"1.1.1.1, 2.2.2.2"}), "1.1.1.1");
  EXPECT_EQ(Client(true, 1, {"1.1.1.1"}), "1.1.1.1");
  EXPECT_EQ(Client(true, 2, {"1.1.1.1"}), "peer") << "fewer entries than proxies";
  EXPECT_EQ(Client(true, 1, {}), "peer");
}

TEST(TrustedClient, InsideOfANetTheProxyInFrontHasWrittenTheLastEntry) {
  EXPECT_EQ(Client(false, 0, {"1.1.1.1, 2.2.2.2"}), "2.2.2.2");
  EXPECT_EQ(Client(false, 1, {"1.1.1.1, 2.2.2.2"}), "1.1.1.1");
  EXPECT_EQ(Client(false, 0, {}), "peer");
}

TEST(TrustedClient, SeveralFieldsAreOneList) {
  EXPECT_EQ(Client(true, 1, {"1.1.1.1", "2.2.2.2"}), "2.2.2.2");
  EXPECT_EQ(Client(true, 2, {"1.1.1.1", "2.2.2.2"}), "1.1.1.1");
  EXPECT_EQ(Client(true, 3, {"9.9.9.9 ,\t1.1.1.1", "3.3.3.3"}), "9.9.9.9");
}

TEST(TrustedClient, WhatIsNoAddressIsNoClient) {
  for (const std::string_view text : {"unknown", "", "1.1.1.1:99", "[::1]", "1.1.1", "_hidden"}) {
    EXPECT_EQ(Client(true, 1, {text}), "peer") << text;
  }
  EXPECT_EQ(Client(true, 2, {"1.1.1.1,"}), "1.1.1.1") << "an empty entry is one";
  EXPECT_EQ(Client(true, 1, {"2001:db8::1"}), "2001:db8::1");
}

TEST(TrustedClient, IsPrintedAsAnAddressWithoutAPort) {
  char room[kTrustedClientText];
  const auto print = [&](std::string_view ip) { return std::string(room, PrintClient(ip, room)); };
  EXPECT_EQ(print("1.2.3.4"), "1.2.3.4:0");
  EXPECT_EQ(print("2001:db8::1"), "[2001:db8::1]:0");
  EXPECT_EQ(print(""), "");
  EXPECT_EQ(print(std::string(61, '1')), "");
}

}  // namespace
}  // namespace weir::hcm
