// How a request tries to be what the rules let through, or not to be what they keep out. What the
// host has settled before any filter (dot segments, escapes, doubled slashes) is tested through
// the program.

#include <gmock/gmock.h>

#include "tests/unit/filters/http/rbac/rbac_world.h"

namespace weir::filters::rbac {
namespace {

TEST(RbacEvasionTest, AFurtherFieldDoesNotHideTheFirst) {
  const std::string evil = "{header: {name: x-team, string_match: {exact: evil}}}";
  EXPECT_FALSE(EvadesDenial(evil, Request().Field("x-team", "evil").Field("x-team", "good")));
  EXPECT_FALSE(EvadesDenial(evil, Request().Field("x-team", "good").Field("x-team", "evil")));
  EXPECT_TRUE(EvadesDenial(evil, Request().Field("x-team", "good").Field("x-team", "fine")));
}

TEST(RbacEvasionTest, AFurtherFieldDoesNotUndoAnInversion) {
  const std::string not_guest =
      "{header: {name: x-role, string_match: {exact: guest}, invert_match: true}}";
  EXPECT_FALSE(Permits(not_guest, Request().Field("x-role", "guest").Field("x-role", "a")));
  EXPECT_FALSE(Permits(not_guest, Request().Field("x-role", "a").Field("x-role", "guest")));
}

struct Twice : Request {
  Twice(const char* first, const char* second) { Field("x-a", first).Field("x-a", second); }
};

TEST(RbacEvasionTest, ASmuggledSecondValueAllowsNothing) {
  for (const char* kind : {"exact: admin", "prefix: adm", "contains: dmi", "suffix: min",
                           "safe_regex: {regex: 'admin|root'}"}) {
    const std::string admin = "{header: {name: x-role, string_match: {" + std::string(kind) + "}}}";
    EXPECT_TRUE(Permits(admin, Request().Field("x-role", "admin"))) << kind;
    EXPECT_FALSE(Permits(admin, Request().Field("x-role", "user").Field("x-role", "admin")))
        << kind;
    EXPECT_FALSE(Permits(admin, Request().Field("x-role", "admin").Field("x-role", "user")))
        << kind;
    EXPECT_FALSE(Permits(admin, Request().Field("x-role", "").Field("x-role", "admin"))) << kind;
  }
  const std::string range = "{header: {name: x-n, range_match: {start: 1, end: 9}}}";
  EXPECT_TRUE(Permits(range, Request().Field("x-n", "5")));
  EXPECT_FALSE(Permits(range, Request().Field("x-n", "5").Field("x-n", "10")));
  EXPECT_FALSE(Permits(range, Request().Field("x-n", "5").Field("x-n", "6"))) << "5,6 is no number";
  const std::string starts = "{header: {name: x-role, string_match: {prefix: adm}}}";
  EXPECT_TRUE(Permits(starts, Request().Field("x-role", "adm1").Field("x-role", "adm2")));
}

TEST(RbacEvasionTest, ASecondValueEvadesNoDenial) {
  // Split in two, as a backend may put it together again.
  const std::string list = "{header: {name: x-a, string_match: {exact: 'a,b'}}}";
  EXPECT_FALSE(EvadesDenial(list, Twice("a", "b")));
  EXPECT_TRUE(EvadesDenial(list, Twice("a", "c")));
  // All but the good are kept out: a good one does not excuse a bad one.
  const std::string not_good =
      "{header: {name: x-a, string_match: {exact: good}, invert_match: true}}";
  EXPECT_TRUE(EvadesDenial(not_good, Request().Field("x-a", "good")));
  EXPECT_FALSE(EvadesDenial(not_good, Twice("good", "evil")));
  EXPECT_FALSE(EvadesDenial(not_good, Twice("evil", "good")));
  const std::string range = "{header: {name: x-a, range_match: {start: 1, end: 9}}}";
  EXPECT_FALSE(EvadesDenial(range, Twice("99", "5")));
}

TEST(RbacEvasionTest, ANegationTurnsTheSafeSide) {
  const std::string evil = "{header: {name: x-a, string_match: {exact: evil}}}";
  const std::string good = "{header: {name: x-a, string_match: {exact: good}}}";
  const auto no = [](const std::string& rule) { return "{not_rule: " + rule + "}"; };
  EXPECT_FALSE(Permits(no(evil), Twice("good", "evil")));
  EXPECT_FALSE(Permits(no(evil), Twice("evil", "good")));
  EXPECT_TRUE(Permits(no(evil), Twice("good", "fine")));
  EXPECT_FALSE(EvadesDenial(no(good), Twice("good", "evil")));
  EXPECT_FALSE(Permits(no(no(good)), Twice("good", "evil")));
  EXPECT_FALSE(EvadesDenial(no(no(evil)), Twice("good", "evil")));
  EXPECT_FALSE(
      Knows("{and_ids: {ids: [{not_id: " + evil + "}, {any: true}]}}", Twice("good", "evil")));
}

TEST(RbacEvasionTest, ACommaMakesNoSecondValue) {
  const std::string admin = "{header: {name: x-role, string_match: {exact: admin}}}";
  EXPECT_FALSE(Permits(admin, Request().Field("x-role", "user,admin")));
  EXPECT_FALSE(Permits(admin, Request().Field("x-role", "admin, user")));
  // Who must keep a word out of a list says so.
  const std::string listed = "{header: {name: x-role, string_match: {contains: evil}}}";
  EXPECT_FALSE(EvadesDenial(listed, Request().Field("x-role", "good,evil")));
}

TEST(RbacEvasionTest, AnAddressOfIpv4IsTheSameInTheFormOfIpv6) {
  EXPECT_FALSE(Allowed(Load(R"(
rules: {action: DENY, policies: {p: {permissions: [{any: true}],
                                     principals: [{remote_ip: 10.0.0.0/8}]}}}
)"),
                       Request().From("[::ffff:10.1.2.3]:99")));
  EXPECT_TRUE(Knows("{remote_ip: '::ffff:10.0.0.0/104'}", Request().From("10.1.2.3:1")));
}

TEST(RbacEvasionTest, TheWholeOfIpv6HoldsNoAddressOfIpv4) {
  EXPECT_FALSE(Knows("{remote_ip: '::/0'}", Request().From("[::ffff:10.1.2.3]:99")));
  EXPECT_FALSE(Knows("{remote_ip: '::/0'}", Request().From("10.1.2.3:99")));
}

TEST(RbacEvasionTest, AHostInUpperCaseIsTheSameHost) {
  const std::string inner = "{header: {name: ':authority', string_match: {exact: inner.test}}}";
  Request loud;
  loud.SetStart(":authority", "INNER.Test");
  EXPECT_FALSE(EvadesDenial(inner, loud));
  const std::string pattern =
      "{header: {name: ':authority', string_match: {safe_regex: {regex: 'inner[.].*'}}}}";
  Request louder;
  louder.SetStart(":authority", "INNER.Test");
  EXPECT_FALSE(EvadesDenial(pattern, louder));
}

TEST(RbacEvasionTest, AServerNameInUpperCaseIsTheSameName) {
  Request loud;
  loud.attributes[WEIR_ATTR_REQUESTED_SERVER_NAME] = "INNER.Test";
  EXPECT_FALSE(EvadesDenial("{requested_server_name: {exact: inner.test}}", loud));
}

TEST(RbacEvasionTest, AQueryHidesNoPath) {
  const std::string admin = "{url_path: {path: {prefix: /admin}}}";
  EXPECT_FALSE(EvadesDenial(admin, Request().Path("/admin?/public")));
  EXPECT_FALSE(Permits("{url_path: {path: {suffix: .css}}}", Request().Path("/admin?x.css")));
  EXPECT_FALSE(
      Permits("{url_path: {path: {safe_regex: {regex: '.*[.]css'}}}}", Request().Path("/a?.css")));
}

TEST(RbacEvasionTest, CaseOfAPathIsIgnoredWhenAsked) {
  const std::string admin = "{url_path: {path: {prefix: /Admin, ignore_case: true}}}";
  EXPECT_FALSE(EvadesDenial(admin, Request().Path("/aDMIN/x")));
}

TEST(RbacEvasionTest, ALongValueMeetsAPatternInLinearTime) {
  const std::string slow = "{header: {name: x-a, string_match: {safe_regex: {regex: '(a+)+b'}}}}";
  EXPECT_FALSE(Permits(slow, Request().Field("x-a", std::string(60000, 'a'))));
}

TEST(RbacEvasionTest, BytesAboveAsciiAreInThePattern) {
  const std::string evil = "{header: {name: x-a, string_match: {safe_regex: {regex: '.*evil.*'}}}}";
  EXPECT_FALSE(EvadesDenial(evil, Request().Field("x-a",
                                                  "\xff"
                                                  "evil\xc3")));
}

TEST(RbacEvasionTest, WhatIsNotKnownIsNobody) {
  Request nowhere;
  nowhere.attributes.clear();
  for (const char* principal :
       {"{remote_ip: 0.0.0.0/0}", "{direct_remote_ip: '::/0'}", "{authenticated: {}}"}) {
    EXPECT_FALSE(Knows(principal, nowhere)) << principal;
  }
  EXPECT_FALSE(Permits("{destination_port_range: {start: 0, end: 65536}}", nowhere));
}

}  // namespace
}  // namespace weir::filters::rbac
