#include "core/http/message.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "plugins/util/token.h"

namespace weir::http {
namespace {

class MessageTest : public testing::Test {
 protected:
  using Verdict = Message::Verdict;

  weir_field Field(std::string_view name, std::string_view value,
                   uint16_t token = WEIR_TOKEN_UNSET) {
    weir_field f{};
    f.name = name.data();
    f.name_size = static_cast<uint16_t>(name.size());
    f.value = value.data();
    f.value_size = static_cast<uint32_t>(value.size());
    f.token = token;
    return f;
  }
  weir_head Request(std::vector<weir_field>* fields) {
    weir_head head{};
    head.struct_size = sizeof head;
    head.kind = WEIR_HEAD_REQUEST;
    head.method = View("GET");
    head.path = View("/");
    head.authority = View("example.com");
    head.scheme = View("http");
    head.fields = fields->data();
    head.field_count = static_cast<uint32_t>(fields->size());
    return head;
  }
  Verdict Take(std::vector<weir_field> fields) { return message_.Take(Request(&fields), 100); }
  Verdict TakeStart(std::string_view method, std::string_view path,
                    std::string_view protocol = {}) {
    std::vector<weir_field> none;
    weir_head head = Request(&none);
    head.method = View(method);
    head.path = View(path);
    head.protocol = View(protocol);
    return message_.Take(head, 100);
  }
  Verdict TakeResponse(uint8_t kind, uint16_t status, uint32_t flags = 0) {
    weir_head head{};
    head.kind = kind;
    head.status = status;
    head.flags = flags;
    return message_.Take(head, 100);
  }

  base::SlabPool pool_;
  uint8_t memory_[512 + base::Slab::kPadding];
  base::Arena arena_{&pool_, memory_, 512, 1u << 20};
  Message message_{&arena_};
};

TEST_F(MessageTest, AFramingNameCannotBeHeldWhateverTokenTheCodecGaveIt) {
  for (uint16_t token = WEIR_TOKEN_FRAMING_FIRST; token <= WEIR_TOKEN_FRAMING_LAST; ++token) {
    const std::string_view name = util::TokenName(token);
    for (const uint16_t said :
         {token, uint16_t{0}, uint16_t{WEIR_TOKEN_UNSET}, uint16_t{WEIR_TOKEN_ACCEPT}}) {
      EXPECT_EQ(Take({Field(name, "1", said)}), Verdict::kInvalid) << name << " as " << said;
      EXPECT_TRUE(message_.empty());
    }
    message_.Reset(WEIR_HEAD_REQUEST);
    EXPECT_EQ(message_.Add(name, "1"), WEIR_REFUSED) << name;
    EXPECT_EQ(message_.Set(name, "1"), WEIR_REFUSED) << name;
    EXPECT_EQ(message_.count(), 0u);
  }
}

TEST_F(MessageTest, PseudoNamesAndBadNamesAreRefused) {
  for (const std::string_view name :
       std::initializer_list<std::string_view>{":path", ":status", "", "a b", "A", "naMe", "x\r\ny",
                                               "a:b", "\xc3\xa4", std::string_view("a\0b", 3)}) {
    EXPECT_EQ(Take({Field(name, "v")}), Verdict::kInvalid) << name;
    message_.Reset(WEIR_HEAD_REQUEST);
    EXPECT_EQ(message_.Add(name, "v"), WEIR_REFUSED) << name;
  }
}

TEST_F(MessageTest, ATokenThatIsNotTheNamesIsInvalid) {
  EXPECT_EQ(Take({Field("accept", "v", WEIR_TOKEN_COOKIE)}), Verdict::kInvalid);
  EXPECT_EQ(Take({Field("accept", "v", WEIR_TOKEN_COUNT)}), Verdict::kInvalid);
  EXPECT_EQ(Take({Field("", "v", 4711)}), Verdict::kInvalid);
  EXPECT_EQ(Take({Field("accept", "v", 0)}), Verdict::kOk);
  EXPECT_EQ(message_.Get(WEIR_TOKEN_ACCEPT), "v")
      << "looked up although the codec said that it is not in the table";
}

TEST_F(MessageTest, EveryByteOfAValueIsChecked) {
  uint8_t scratch[1024 + base::Slab::kPadding];
  for (const size_t size : {1u, 7u, 15u, 16u, 17u, 31u, 32u, 33u, 100u}) {
    for (size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string value(size, 'v');
        value[at] = static_cast<char>(byte);
        const bool edge = at == 0 || at + 1 == size;
        const bool good = byte == '\t' || byte == ' ' ? !edge : byte >= 0x20 && byte != 0x7f;
        base::Arena small(&pool_, scratch, 1024, 1u << 20);
        Message written(&small);
        written.Reset(WEIR_HEAD_REQUEST);
        ASSERT_EQ(written.Add("x-a", value), good ? WEIR_OK : WEIR_REFUSED)
            << size << " " << at << " " << byte;
        if (byte > 0x21 && byte < 0x7e) continue;
        base::Arena arena(&pool_, scratch, 1024, 1u << 20);
        Message taken(&arena);
        std::vector<weir_field> fields = {Field("x-a", value)};
        ASSERT_EQ(taken.Take(Request(&fields), 9), good ? Verdict::kOk : Verdict::kInvalid)
            << size << " " << at << " " << byte;
      }
    }
  }
}

TEST_F(MessageTest, StartLinesThatNoCodecMayMakeAreInvalid) {
  EXPECT_EQ(TakeStart("GET", "/a?b"), Verdict::kOk);
  EXPECT_EQ(TakeStart("OPTIONS", "*"), Verdict::kOk);
  EXPECT_EQ(TakeStart("CONNECT", ""), Verdict::kOk);
  EXPECT_EQ(TakeStart("CONNECT", "/chat", "websocket"), Verdict::kOk);
  EXPECT_EQ(TakeStart("CONNECT", "", "websocket"), Verdict::kInvalid);
  EXPECT_EQ(TakeStart("GET", ""), Verdict::kInvalid);
  EXPECT_EQ(TakeStart("GET", "a"), Verdict::kInvalid);
  EXPECT_EQ(TakeStart("GET", "http://x/"), Verdict::kInvalid);
  EXPECT_EQ(TakeStart("GET", "/a b"), Verdict::kInvalid);
  EXPECT_EQ(TakeStart("GET", "/\r\nx: y"), Verdict::kInvalid);
  EXPECT_EQ(TakeStart("", "/"), Verdict::kInvalid);
  EXPECT_EQ(TakeStart("G T", "/"), Verdict::kInvalid);
  EXPECT_EQ(TakeStart("GET", "/", "web socket"), Verdict::kInvalid);
}

TEST_F(MessageTest, AnAuthorityMayBeMissing) {
  std::vector<weir_field> none;
  weir_head head = Request(&none);
  head.authority = {nullptr, 0};
  EXPECT_EQ(message_.Take(head, 10), Verdict::kOk);
  head.authority = View("a b");
  EXPECT_EQ(message_.Take(head, 10), Verdict::kInvalid);
  head.authority = View("a");
  head.scheme = View("gopher");
  EXPECT_EQ(message_.Take(head, 10), Verdict::kInvalid);
}

TEST_F(MessageTest, AStatusFitsItsKind) {
  EXPECT_EQ(TakeResponse(WEIR_HEAD_INTERIM, 100), Verdict::kOk);
  EXPECT_EQ(TakeResponse(WEIR_HEAD_INTERIM, 101), Verdict::kInvalid);
  EXPECT_EQ(TakeResponse(WEIR_HEAD_INTERIM, 200), Verdict::kInvalid);
  EXPECT_EQ(TakeResponse(WEIR_HEAD_RESPONSE, 200), Verdict::kOk);
  EXPECT_EQ(TakeResponse(WEIR_HEAD_RESPONSE, 100), Verdict::kInvalid);
  EXPECT_EQ(TakeResponse(WEIR_HEAD_RESPONSE, 600), Verdict::kInvalid);
  EXPECT_EQ(TakeResponse(WEIR_HEAD_RESPONSE, 101), Verdict::kInvalid);
  EXPECT_EQ(TakeResponse(WEIR_HEAD_RESPONSE, 101, WEIR_HEAD_TUNNEL), Verdict::kOk);
  EXPECT_EQ(TakeResponse(0, 200), Verdict::kInvalid);
  EXPECT_EQ(TakeResponse(9, 200), Verdict::kInvalid);
}

TEST_F(MessageTest, AnInvalidHeadLeavesNothingBehindToOwn) {
  std::vector<weir_field> fields(20, Field("x-a", "v"));
  fields[3] = Field("x-a", "bad\n");
  EXPECT_EQ(Take(fields), Verdict::kInvalid);
  EXPECT_TRUE(message_.empty());
  EXPECT_EQ(message_.count(), 0u);
  EXPECT_TRUE(message_.Own());
}

TEST_F(MessageTest, TooManyFieldsAreTooLarge) {
  EXPECT_EQ(Take(std::vector<weir_field>(100, Field("x-a", "v"))), Verdict::kOk);
  EXPECT_EQ(Take(std::vector<weir_field>(101, Field("x-a", "v"))), Verdict::kTooLarge);
  EXPECT_TRUE(message_.empty());
}

TEST_F(MessageTest, OnlyThePeersFlagsAndNeverIndexCross) {
  weir_field f = Field("x-a", "v");
  f.flags = 0xffff;
  EXPECT_EQ(Take({f}), Verdict::kOk);
  EXPECT_EQ(message_.field(0).flags, WEIR_FIELD_FROM_PEER | WEIR_FIELD_NEVER_INDEX);
}

TEST_F(MessageTest, ARemovalLeavesATombstoneAndIndicesStay) {
  Take({Field("a", "1"), Field("b", "2"), Field("a", "3"), Field("cookie", "c")});
  EXPECT_EQ(message_.Remove("a"), 2);
  EXPECT_EQ(message_.Remove("a"), 0);
  EXPECT_EQ(message_.count(), 4u);
  EXPECT_TRUE(Removed(message_.field(0)));
  EXPECT_EQ(Value(message_.field(1)), "2");
  EXPECT_EQ(message_.Find("a"), nullptr);
  message_.Remove(uint16_t{WEIR_TOKEN_COOKIE});
  EXPECT_EQ(message_.Find(uint16_t{WEIR_TOKEN_COOKIE}), nullptr);
  EXPECT_EQ(message_.Add("a", "new"), WEIR_OK);
  EXPECT_EQ(Value(*message_.Find("a")), "new");
}

TEST_F(MessageTest, ManyFieldsOfOneNameAreCounted) {
  Take({Field("cookie", "1"), Field("x", "-"), Field("cookie", "2"), Field("cookie", "3")});
  EXPECT_EQ(Value(*message_.Find("cookie", 1)), "2");
  EXPECT_EQ(Value(*message_.Find("cookie", 2)), "3");
  EXPECT_EQ(message_.Find("cookie", 3), nullptr);
  EXPECT_EQ(message_.Find("cookie", UINT32_MAX), nullptr);
  EXPECT_EQ(message_.Set("cookie", "only"), WEIR_OK);
  EXPECT_EQ(message_.Find("cookie", 1), nullptr);
  EXPECT_EQ(message_.Get(WEIR_TOKEN_COOKIE), "only");
}

TEST_F(MessageTest, PresenceFollowsEveryWriter) {
  message_.Reset(WEIR_HEAD_RESPONSE, 200);
  for (uint16_t token = WEIR_TOKEN_FRAMING_LAST + 1; token < WEIR_TOKEN_COUNT; ++token) {
    EXPECT_EQ(message_.Find(token), nullptr);
    EXPECT_EQ(message_.AddStatic(token, "v"), WEIR_OK);
    EXPECT_NE(message_.Find(token), nullptr) << util::TokenName(token);
  }
  message_.Reset(WEIR_HEAD_RESPONSE, 200);
  EXPECT_EQ(message_.Find(uint16_t{WEIR_TOKEN_VIA}), nullptr);
  EXPECT_EQ(message_.SetStatic(WEIR_TOKEN_VIA, "1.1 weir"), WEIR_OK);
  EXPECT_EQ(message_.SetStatic(WEIR_TOKEN_VIA, "1.1 other"), WEIR_OK);
  EXPECT_EQ(message_.count(), 1u);
  EXPECT_EQ(message_.Get(WEIR_TOKEN_VIA), "1.1 other");
}

TEST_F(MessageTest, AnEditDropsTheRawLine) {
  weir_field f = Field("x-a", "v");
  f.raw_form = 1;
  Take({f});
  EXPECT_EQ(message_.field(0).raw_form, 1);
  EXPECT_EQ(message_.Set("x-a", "bad\n"), WEIR_REFUSED);
  EXPECT_EQ(message_.field(0).raw_form, 1) << "a refused edit changes nothing";
  EXPECT_EQ(message_.Set("x-a", "w"), WEIR_OK);
  EXPECT_EQ(message_.field(0).raw_form, 0);
}

TEST_F(MessageTest, OwnMovesEverythingAndKeepsRawLinesWhole) {
  std::string block = "GET /p HTTP/1.1\r\nx-one: first\r\naccept: second\r\n";
  const std::string copy = block;
  std::string outside = "outside";
  const auto at = [&](const char* text) {
    return std::string_view(block).substr(block.find(text), strlen(text));
  };
  std::vector<weir_field> fields = {Field(at("x-one"), at("first")),
                                    Field(at("accept"), at("second")), Field("x-out", outside)};
  for (weir_field& f : fields) {
    f.raw_form = 1;
    f.raw_tail = 2;
  }
  weir_head head = Request(&fields);
  head.path = View(at("/p"));
  head.block = View(block);
  ASSERT_EQ(message_.Take(head, 10), Verdict::kOk);
  ASSERT_TRUE(message_.Own());
  const uint32_t used = arena_.slab_bytes();
  ASSERT_TRUE(message_.Own()) << "owning again copies nothing";
  EXPECT_EQ(arena_.slab_bytes(), used);
  block.assign(block.size(), '#');
  outside.assign(outside.size(), '#');
  EXPECT_EQ(message_.path(), "/p");
  EXPECT_EQ(Value(message_.field(2)), "outside");
  EXPECT_EQ(message_.field(2).raw_form, 0) << "name and value are apart now";
  const weir_field& one = message_.field(0);
  const weir_field& two = message_.field(1);
  ASSERT_EQ(one.raw_form, 1);
  ASSERT_EQ(two.raw_form, 1);
  EXPECT_EQ(two.name, one.value + one.value_size + 2) << "the lines are neighbours";
  EXPECT_EQ(std::string(one.name, static_cast<size_t>(two.value + two.value_size + 2 - one.name)),
            copy.substr(17));
}

TEST_F(MessageTest, AnEmptyValueMovesWithItsRawLine) {
  const std::string block = "x-empty: \r\n";
  std::vector<weir_field> fields{Field({block.data(), 7}, {block.data() + 9, 0})};
  fields[0].raw_form = 1;
  fields[0].raw_tail = 2;
  weir_head head = Request(&fields);
  head.block = View(block);
  ASSERT_EQ(message_.Take(head, 100), Verdict::kOk);
  ASSERT_TRUE(message_.Own());
  const weir_field& f = message_.field(0);
  ASSERT_EQ(f.raw_form, 1);
  const char* const end = f.value + f.value_size + f.raw_tail;
  ASSERT_EQ(end - f.name, 11) << "a writer copies from the name to behind the value";
  EXPECT_EQ(std::string(f.name, 11), block);
}

TEST_F(MessageTest, ARawLineThatLeavesTheBlockIsNotRaw) {
  std::string block = "x-a: v";
  std::vector<weir_field> fields = {
      Field(std::string_view(block).substr(0, 3), std::string_view(block).substr(5))};
  fields[0].raw_form = 1;
  fields[0].raw_tail = 2;
  weir_head head = Request(&fields);
  head.block = View(block);
  ASSERT_EQ(message_.Take(head, 10), Verdict::kOk);
  ASSERT_TRUE(message_.Own());
  EXPECT_EQ(message_.field(0).raw_form, 0);
}

TEST_F(MessageTest, AFullArenaIsAVerdictAndNeverACrash) {
  for (const uint32_t limit : {0u, 1024u, 2048u, 5120u}) {
    base::Arena arena(&pool_, memory_, 64, limit);
    Message message(&arena);
    std::string value(300, 'v');
    std::vector<weir_field> fields(40, Field("x-a", value));
    const Verdict verdict = message.Take(Request(&fields), 100);
    if (verdict == Verdict::kOk) {
      EXPECT_FALSE(message.Own());
      EXPECT_TRUE(message.empty()) << "nothing may point at bytes that will be gone";
    } else {
      EXPECT_EQ(verdict, Verdict::kTooLarge);
    }
    message.Reset(WEIR_HEAD_REQUEST);
    int32_t status = WEIR_OK;
    for (int i = 0; i < 500 && status == WEIR_OK; ++i) status = message.Add("x-a", value);
    EXPECT_EQ(status, WEIR_NO_ROOM);
    EXPECT_EQ(message.Set("x-new", value), WEIR_NO_ROOM);
  }
  message_.Reset(WEIR_HEAD_REQUEST);
  EXPECT_EQ(message_.Add("x-a", std::string(300000, 'v')), WEIR_NO_ROOM);
  EXPECT_EQ(message_.Add("x-a", {}), WEIR_OK);
  EXPECT_EQ(message_.Add(std::string(70000, 'n'), "v"), WEIR_REFUSED);
}

TEST_F(MessageTest, FiltersCannotAddFieldsWithoutBound) {
  Take({});
  int added = 0;
  while (added < 1000 && message_.Add("x-a", "v") == WEIR_OK) ++added;
  EXPECT_EQ(added, 164);
}

}  // namespace
}  // namespace weir::http
