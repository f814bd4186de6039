#include "core/net/dns/service_reply.h"

#include <string>

#include <gtest/gtest.h>

namespace weir::net::dns {
namespace {

using namespace std::string_literals;

std::string U16(uint32_t n) {
  return {static_cast<char>(n >> 8), static_cast<char>(n)};
}

// The question ends at 12 + 21; its name is at offset 12.
std::string Head(uint32_t answers) {
  return "\x12\x34\x81\x80"s + U16(1) + U16(answers) + U16(0) + U16(0) +
         "\x05_http\x04_tcp\x04test\0"s + U16(33) + U16(1);
}

std::string Record(uint32_t type, uint32_t ttl, const std::string& data) {
  return "\xc0\x0c"s + U16(type) + U16(1) + U16(ttl >> 16) + U16(ttl & 0xffff) +
         U16(static_cast<uint32_t>(data.size())) + data;
}

std::string Service(uint32_t priority, uint32_t weight, uint32_t port, const std::string& target) {
  return U16(priority) + U16(weight) + U16(port) + target;
}

ServiceAnswer Read(const std::string& bytes) {
  return ReadServiceReply(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

TEST(ServiceReply, ReadsRecordsAndTheShortestTtl) {
  const ServiceAnswer answer = Read(Head(2) +
                                    Record(33, 60,
                                           Service(1, 2, 8080,
                                                   "\x01"
                                                   "a\x04test\0"s)) +
                                    Record(33, 30,
                                           Service(3, 4, 8081,
                                                   "\x01"
                                                   "b\xc0\x17"s)));
  ASSERT_EQ(answer.status, Status::kFound) << answer.error;
  ASSERT_EQ(answer.records.size(), 2u);
  EXPECT_EQ(answer.records[0].priority, 1);
  EXPECT_EQ(answer.records[0].weight, 2);
  EXPECT_EQ(answer.records[0].port, 8080);
  EXPECT_EQ(answer.records[0].target, "a.test");
  EXPECT_EQ(answer.records[1].target, "b.test") << "compressed";
  EXPECT_EQ(answer.ttl_s, 30u);
}

TEST(ServiceReply, PassesOverOtherRecords) {
  const ServiceAnswer answer = Read(Head(2) + Record(5, 10, "\x01x\0"s) +
                                    Record(33, 60,
                                           Service(1, 2, 80,
                                                   "\x01"
                                                   "a\0"s)));
  ASSERT_EQ(answer.records.size(), 1u) << answer.error;
  EXPECT_EQ(answer.ttl_s, 10u) << "an alias counts";
}

TEST(ServiceReply, ATargetOfTheRootIsNoService) {
  EXPECT_EQ(Read(Head(1) + Record(33, 60, Service(0, 0, 0, "\0"s))).status, Status::kEmpty);
}

TEST(ServiceReply, WithoutAnswersItIsEmpty) {
  EXPECT_EQ(Read(Head(0)).status, Status::kEmpty);
}

TEST(ServiceReply, EveryCutIsAFailureAndNeverMore) {
  const std::string whole = Head(2) +
                            Record(33, 60,
                                   Service(1, 2, 8080,
                                           "\x01"
                                           "a\x04test\0"s)) +
                            Record(33, 30,
                                   Service(3, 4, 8081,
                                           "\x01"
                                           "b\xc0\x17"s));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(Read(whole.substr(0, size)).status, Status::kFailed) << size;
  EXPECT_EQ(Read(whole).status, Status::kFound);
}

TEST(ServiceReply, LengthsThatContradictAreAFailure) {
  std::string record = Record(33, 60,
                              Service(1, 2, 80,
                                      "\x01"
                                      "a\0"s));
  record[11] = static_cast<char>(record[11] + 1);
  EXPECT_EQ(Read(Head(1) + record + "x").status, Status::kFailed);
  // A name that points at itself.
  EXPECT_EQ(Read(Head(1) + Record(33, 60, Service(1, 2, 80, "\xc0\x33"s))).status, Status::kFailed);
}

}  // namespace
}  // namespace weir::net::dns
