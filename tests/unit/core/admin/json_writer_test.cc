#include "core/admin/json_writer.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace weir::admin {
namespace {

std::string Text(std::string_view text) {
  std::string out;
  JsonWriter(&out).String(text);
  return out;
}

TEST(JsonWriterTest, CommasStandBetweenValuesOnly) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Key("a");
  json.BeginArray();
  json.Number(1);
  json.BeginObject();
  json.EndObject();
  json.Null();
  json.EndArray();
  json.Field("b", true);
  json.Field("c", "x");
  json.Field("d", uint32_t{7});
  json.Key("e");
  json.Signed(-3);
  json.Key("f");
  json.Raw("[2]");
  json.EndObject();
  EXPECT_EQ(out, R"({"a":[1,{},null],"b":true,"c":"x","d":7,"e":-3,"f":[2]})");
}

TEST(JsonWriterTest, StringsAreEscapedAndAlwaysUtf8) {
  EXPECT_EQ(Text("a\"b\\c\n\x01\x7f"), R"("a\"b\\c\n\u0001\u007f")");
  EXPECT_EQ(Text("\xc3\xa4 \xf0\x9f\x98\x80"), "\"\xc3\xa4 \xf0\x9f\x98\x80\"");
  for (const char* bad : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"})
    EXPECT_NE(Text(bad).find("\xef\xbf\xbd"), std::string::npos);
  EXPECT_EQ(Text("\xff\xc3"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(JsonWriterTest, WhatIsNoNumberIsNull) {
  std::string out;
  JsonWriter json(&out);
  json.BeginArray();
  json.Real(0.5);
  json.Real(3'600'000);
  json.Real(std::numeric_limits<double>::infinity());
  json.EndArray();
  EXPECT_EQ(out, "[0.5,3600000,null]");
}

}  // namespace
}  // namespace weir::admin
