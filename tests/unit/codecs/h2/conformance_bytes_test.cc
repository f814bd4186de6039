// RFC 9113 section 8.2.1: the bytes of names and values. The codec hands them on as they came; the
// host's message, which has one entrance for all protocols, lets in no other. Both are here. A
// server answers 400, as section 8.1.1 lets it, a client resets.

#include <array>

#include "core/base/arena.h"
#include "core/http/message.h"
#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

bool IsValid(const weir_head& head) {
  base::SlabPool pool;
  std::array<uint8_t, 16384 + base::Slab::kPadding> memory;
  base::Arena arena(&pool, memory.data(), 16384, 1 << 20);
  http::Message message(&arena);
  return message.Take(head, 100) == http::Message::Verdict::kOk;
}

// A literal that is not indexed, with any bytes in it.
std::string Literal(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name +
         static_cast<char>(value.size()) + value;
}

void Case(const std::string& name, const std::string& value, bool good) {
  SCOPED_TRACE(::testing::PrintToString(name + ": " + value));
  H2Setup setup;
  setup.check = IsValid;
  Once(setup, [&](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Request("/") + Literal(name, value), true));
    if (good) {
      ASSERT_TRUE(h.knows(1));
      EXPECT_EQ(h.stream(1).status, 0);
      EXPECT_EQ(h.stream(1).heads.at(0).Field(name), value);
    } else if (h.knows(1)) {
      EXPECT_EQ(h.stream(1).status, 400);
      h.Answer(1, 400, true);
    } else {
      // What is wrong by its structure the codec has reset itself.
      EXPECT_EQ(h.LastFrame(FrameType::kRstStream, 1)->Code(),
                static_cast<uint32_t>(ErrorCode::kProtocolError));
    }
    h.ExpectServes();
  });
  setup.position = WEIR_CLIENT;
  Once(setup, [&](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Headers(1, h.Response("200") + Literal(name, value), false));
    good ? h.ExpectFine() : h.ExpectStreamError(1, ErrorCode::kProtocolError);
  });
}

bool IsNameByte(int c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         (c != 0 && std::string("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string::npos);
}

TEST(H2Conformance, NoIllegalByteInNames) {
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    Case(std::string("x") + byte, "v", IsNameByte(c));
    Case(std::string("x") + byte + "y", "v", IsNameByte(c));
    if (c != ':') Case(byte + std::string("x"), "v", IsNameByte(c));
  }
}

TEST(H2Conformance, NoColonInNames) {
  Case("x:", "v", false);
  Case("x:y", "v", false);
  Case(":x", "v", false);
}

TEST(H2Conformance, NoEmptyName) {
  Case("", "v", false);
}

TEST(H2Conformance, NoNulLfOrCrInValues) {
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool good = c == '\t' || (c >= 0x20 && c != 0x7f);
    Case("x-a", std::string("a") + byte + "b", good);
    if (c == ' ' || c == '\t') continue;
    Case("x-a", std::string(1, byte), good);
    Case("x-a", std::string("ab") + byte, good);
  }
}

TEST(H2Conformance, NoBlankAroundValues) {
  for (const char* value : {" a", "a ", "\ta", "a\t", " ", "\t"}) Case("x-a", value, false);
  Case("x-a", "a b", true);
  Case("x-a", "", true);
}

TEST(H2Conformance, TrailersKeepTheRulesOfFields) {
  H2Setup setup;
  setup.check = IsValid;
  for (const auto& [name, value] : TextFields{{"x a", "v"},
                                              {"x-a", "a\nb"},
                                              {"x-a", "a\rb"},
                                              {"x-a", std::string("a\0b", 3)},
                                              {"x-a", " v"},
                                              {"X-a", "v"},
                                              {"", "v"}}) {
    SCOPED_TRACE(::testing::PrintToString(name + ": " + value));
    const std::string block = Literal(name, value);
    ForAllCuts(setup, [&](H2Harness& h) {
      OpenTwo(h);
      h.Feed(wire::Headers(1, block, true));
      h.ExpectStreamError(1, ErrorCode::kProtocolError);
    });
    setup.position = WEIR_CLIENT;
    ForAllCuts(setup, [&](H2Harness& h) {
      h.Send("/", false);
      h.Feed(wire::Headers(1, h.Response("200"), false) << wire::Headers(1, block, true));
      h.ExpectStreamError(1, ErrorCode::kProtocolError);
    });
    setup.position = WEIR_SERVER;
  }
}

// What stands in the start line goes the same way.
TEST(H2ConformanceBytes, PseudoFieldsHaveNoIllegalByte) {
  H2Setup setup;
  setup.check = IsValid;
  const auto is_good = [](const std::string& name, int c) {
    const bool lower = IsNameByte(c);
    if (name == ":method") return lower || (c >= 'A' && c <= 'Z');
    return name == ":path" && c > 0x20 && c < 0x7f;
  };
  for (const std::string name : {":path", ":authority", ":method", ":scheme"}) {
    for (int c = 0; c < 256; ++c) {
      const bool good = is_good(name, c);
      // The bytes of an authority and a scheme are a matter of their own grammar, and those of a
      // path beyond ASCII of the host's rules; what no rule lets in is looked at here.
      const bool open = name == ":path" && c >= 0x80;
      if (open || (!good && name != ":method" && c > 0x20 && c != 0x7f)) continue;
      SCOPED_TRACE(name + " " + std::to_string(c));
      Once(setup, [&](H2Harness& h) {
        const std::string start = name == ":path" ? "/a" : "a";
        h.Feed(wire::Headers(1, h.Block(With(name, start + static_cast<char>(c) + "b")), true));
        ASSERT_TRUE(h.knows(1));
        EXPECT_EQ(h.stream(1).status, good ? 0 : 400);
      });
    }
  }
}

// Neither a crumb of a cookie nor a trailer is a way around.
TEST(H2ConformanceBytes, CrumbsAndTrailersHaveNoIllegalByte) {
  H2Setup setup;
  setup.check = IsValid;
  for (int c = 0; c < 256; ++c) {
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) continue;
    SCOPED_TRACE(c);
    const std::string value = std::string("a=") + static_cast<char>(c) + "b";
    Once(setup, [&](H2Harness& h) {
      h.Feed(
          wire::Headers(1, h.Request("/", {{"cookie", "z=1"}}) + Literal("cookie", value), true));
      ASSERT_TRUE(h.knows(1));
      EXPECT_EQ(h.stream(1).status, 400);
      h.Answer(1, 400, true);
      h.ExpectServes();
    });
    Once(setup, [&](H2Harness& h) {
      OpenTwo(h);
      h.Feed(wire::Headers(1, Literal("x-a", value), true));
      h.ExpectStreamError(1, ErrorCode::kProtocolError);
    });
  }
}

}  // namespace
}  // namespace weir::h2
