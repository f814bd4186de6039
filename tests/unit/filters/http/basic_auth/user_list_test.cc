#include "filters/http/basic_auth/user_list.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/filters/http/common/loaded.h"

namespace weir::filters {
namespace {

using ::testing::HasSubstr;

std::string Bcrypt(int cost) {
  return (cost < 10 ? "$2y$0" : "$2y$") + std::to_string(cost) + "$" + std::string(53, 'a');
}
std::string Sha256(int rounds) {
  return "$5$rounds=" + std::to_string(rounds) + "$salt$" + std::string(43, 'a');
}

// The users a, b, c ... with these hashes.
Loaded<UserList> Users(const std::vector<std::string>& hashes) {
  std::string text;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    text += "  " + std::string(1, static_cast<char>('a' + i)) + ":" + hashes[i] + "\n";
  }
  return Loaded<UserList>("inline_string: |\n" + text);
}

TEST(UserListTest, WhoeverAsksTheSameHashesAreMade) {
  const auto users =
      Users({Bcrypt(4), Bcrypt(12), Bcrypt(4), Sha256(5000), "{SHA}AAAAAAAAAAAAAAAAAAAAAAAAAAA="});
  ASSERT_TRUE(users.ok()) << users.errors();
  EXPECT_TRUE(users->slow());
  const auto unknown = users->Work(users->Find("nobody"));
  ASSERT_EQ(unknown.size(), 3u);
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    const PasswordHash* const own = users->Find(name);
    ASSERT_NE(own, nullptr);
    const auto work = users->Work(own);
    ASSERT_EQ(work.size(), unknown.size()) << name;
    int mine = 0;
    for (std::size_t i = 0; i < work.size(); ++i) {
      EXPECT_TRUE(work[i]->CostsLike(*unknown[i])) << name;
      if (work[i] == own) ++mine;
    }
    EXPECT_EQ(mine, own->kind() == PasswordHash::Kind::kSha ? 0 : 1) << name;
  }
}

TEST(UserListTest, AMethodIsACostOfItsOwn) {
  EXPECT_EQ(Users({Sha256(5000), "$6$salt$" + std::string(86, 'a')})->Work(nullptr).size(), 2u);
  EXPECT_EQ(Users({Sha256(5000), "$5$salt$" + std::string(43, 'a')})->Work(nullptr).size(), 1u);
}

TEST(UserListTest, HashesOfManyCostsAreRefused) {
  EXPECT_TRUE(Users({Bcrypt(4), Bcrypt(5), Bcrypt(6), Bcrypt(7), Bcrypt(7)}).ok());
  EXPECT_THAT(Users({Bcrypt(4), Bcrypt(5), Bcrypt(6), Bcrypt(7), Bcrypt(8)}).errors(),
              HasSubstr("more than 4 costs of hashes"));
}

}  // namespace
}  // namespace weir::filters
