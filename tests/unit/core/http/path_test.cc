#include "core/http/path.h"

#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::http {
namespace {

constexpr PathOptions kDefault;

PathOptions With(EscapedSlashes action) {
  PathOptions options;
  options.escaped_slashes = action;
  return options;
}

PathOptions Plain() {
  PathOptions options;
  options.normalize = false;
  options.merge_slashes = false;
  options.escaped_slashes = EscapedSlashes::kKeep;
  return options;
}

struct Outcome {
  PathVerdict verdict;
  PathError error;
  std::string path;
};

// Into a buffer of its own and in place; both must agree.
Outcome Normalize(const std::string& target, const PathOptions& options) {
  std::string out(target.size(), '?');
  const PathResult apart = NormalizePath(target, options, out.data());
  std::string bytes = target;
  const PathResult in_place = NormalizePath(bytes, options, bytes.data());
  EXPECT_EQ(apart.verdict, in_place.verdict) << target;
  EXPECT_EQ(apart.error, in_place.error) << target;
  EXPECT_EQ(apart.path, in_place.path) << target;
  if (apart.verdict == PathVerdict::kUnchanged || apart.verdict == PathVerdict::kReject) {
    EXPECT_EQ(bytes, target) << "the caller's bytes changed";
    EXPECT_EQ(apart.path, target);
  }
  return {apart.verdict, apart.error, std::string(apart.path)};
}

struct Form {
  std::string target;
  std::string normal;
};

class NormalForms : public testing::TestWithParam<Form> {};

TEST_P(NormalForms, AreReached) {
  const auto& [target, normal] = GetParam();
  const Outcome outcome = Normalize(target, With(EscapedSlashes::kKeep));
  EXPECT_EQ(outcome.path, normal);
  EXPECT_EQ(outcome.error, PathError::kNone);
  EXPECT_EQ(outcome.verdict, target == normal ? PathVerdict::kUnchanged : PathVerdict::kChanged);
}

INSTANTIATE_TEST_SUITE_P(
    Table, NormalForms,
    testing::Values(
        // Nothing to do.
        Form{"/", "/"}, Form{"/a", "/a"}, Form{"/a/b", "/a/b"}, Form{"/a/b/", "/a/b/"},
        Form{"/a/b?x=1", "/a/b?x=1"}, Form{"/?", "/?"}, Form{"/a?", "/a?"},
        Form{"/.well-known/acme", "/.well-known/acme"}, Form{"/...", "/..."},
        Form{"/a/...", "/a/..."}, Form{"/a./b", "/a./b"}, Form{"/a../b", "/a../b"},
        Form{"/.a/..b", "/.a/..b"}, Form{"/a;x=1/b;y", "/a;x=1/b;y"}, Form{"/a%2Fb", "/a%2Fb"},
        Form{"/%25", "/%25"}, Form{"/%252e%252e/a", "/%252e%252e/a"},
        Form{"/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,="}, Form{"/a|b\"<>^`{}[]", "/a|b\"<>^`{}[]"},
        Form{"/%3B", "/%3B"}, Form{"/..%3B/a", "/..%3B/a"},
        Form{"/0123456789abcdef0123456789abcdef", "/0123456789abcdef0123456789abcdef"},
        // Dot segments, RFC 3986 5.2.4.
        Form{"/.", "/"}, Form{"/./", "/"}, Form{"/./a", "/a"}, Form{"/a/.", "/a/"},
        Form{"/a/./b", "/a/b"}, Form{"/..", "/"}, Form{"/../", "/"}, Form{"/../../a", "/a"},
        Form{"/a/..", "/"}, Form{"/a/../", "/"}, Form{"/a/b/..", "/a/"}, Form{"/a/b/../", "/a/"},
        Form{"/a/b/../c", "/a/c"}, Form{"/a/b/c/./../../g", "/a/g"}, Form{"/a/../../../b", "/b"},
        Form{"/mid/content=5/../6", "/mid/6"}, Form{"/a/./././../b/..", "/"},
        Form{"/0123456789abcde/../f", "/f"}, Form{"/0123456789abcd/./../f", "/f"},
        // Escapes: unreserved ones are decoded, the others upper-cased.
        Form{"/%61%62%43", "/abC"}, Form{"/%7e%2D%5f%39", "/~-_9"}, Form{"/%c3%a9", "/%C3%A9"},
        Form{"/%3a", "/%3A"}, Form{"/a%2fb", "/a%2Fb"}, Form{"/a%5cb", "/a%5Cb"},
        Form{"/%0d%0a", "/%0D%0A"}, Form{"/%2e", "/"}, Form{"/%2E%2e", "/"},
        Form{"/a/%2e%2E/b", "/b"}, Form{"/a/.%2e/b", "/b"}, Form{"/a/%2e./b", "/b"},
        Form{"/a/%2e/b", "/a/b"}, Form{"/%2e%2e%2fa", "/..%2Fa"},
        // Slashes.
        Form{"//", "/"}, Form{"//a", "/a"}, Form{"/a//b", "/a/b"}, Form{"/a///b//", "/a/b/"},
        Form{"/a//../b", "/a/b"}, Form{"//..//a", "/a"}, Form{"/a/b//..//../c", "/a/b/c"},
        Form{"/a\\b", "/a/b"}, Form{"/a\\..\\b", "/b"}, Form{"/\\evil.com", "/evil.com"},
        Form{"/a/..\\..\\etc", "/etc"},
        // Parameters of dot segments go with them.
        Form{"/a/..;/b", "/b"}, Form{"/a/..;x=1/b", "/b"}, Form{"/a/.;x/b", "/a/b"},
        Form{"/a/..;", "/"}, Form{"/a/%2e%2e;x/b", "/b"}, Form{"/a/..;x;y/..;/b", "/b"},
        Form{"/a/..a;/b", "/a/..a;/b"},
        // The query stays.
        Form{"/a/../b?c=/../d", "/b?c=/../d"}, Form{"/a?x=//%2e%zz\\;..", "/a?x=//%2e%zz\\;.."},
        Form{"//?//", "/?//"}, Form{"/a/..?", "/?"}, Form{"/%61?%61?%00", "/a?%61?%00"},
        Form{"/0123456789abcde?//", "/0123456789abcde?//"},
        Form{"/0123456789abcdef?x//../", "/0123456789abcdef?x//../"}));

struct Refusal {
  std::string target;
  PathError error;
};

class Refusals : public testing::TestWithParam<Refusal> {};

TEST_P(Refusals, NameTheirReason) {
  const Outcome outcome = Normalize(GetParam().target, With(EscapedSlashes::kReject));
  EXPECT_EQ(outcome.verdict, PathVerdict::kReject);
  EXPECT_EQ(outcome.error, GetParam().error);
  EXPECT_FALSE(PathErrorDetail(outcome.error).empty());
  EXPECT_FALSE(PathErrorText(outcome.error).empty());
}

INSTANTIATE_TEST_SUITE_P(
    Table, Refusals,
    testing::Values(
        Refusal{"", PathError::kEmpty}, Refusal{"*", PathError::kNotAbsolute},
        Refusal{"a", PathError::kNotAbsolute}, Refusal{"?x", PathError::kNotAbsolute},
        Refusal{"%2Fa", PathError::kNotAbsolute}, Refusal{"\\a", PathError::kNotAbsolute},
        Refusal{"http://a/", PathError::kNotAbsolute}, Refusal{"/a#b", PathError::kFragment},
        Refusal{"/a?b#c", PathError::kFragment}, Refusal{"/#", PathError::kFragment},
        Refusal{"/a b", PathError::kForbidden}, Refusal{"/a\tb", PathError::kForbidden},
        Refusal{"/a\r\nb", PathError::kForbidden},
        Refusal{std::string("/a\0b", 4), PathError::kForbidden},
        Refusal{"/a?b c", PathError::kForbidden}, Refusal{"/\x7f", PathError::kForbidden},
        Refusal{"/\x80", PathError::kForbidden}, Refusal{"/\xc3\xa9", PathError::kForbidden},
        Refusal{"/a?\xff", PathError::kForbidden}, Refusal{"/%", PathError::kBadEscape},
        Refusal{"/%2", PathError::kBadEscape}, Refusal{"/%zz", PathError::kBadEscape},
        Refusal{"/%2g", PathError::kBadEscape}, Refusal{"/%g2", PathError::kBadEscape},
        Refusal{"/%u0041", PathError::kBadEscape}, Refusal{"/a%?20", PathError::kBadEscape},
        Refusal{"/%%41", PathError::kBadEscape}, Refusal{"/%00", PathError::kEscapedNul},
        Refusal{"/a/../%00", PathError::kEscapedNul}, Refusal{"/a%2Fb", PathError::kEscapedSlash},
        Refusal{"/a%2fb", PathError::kEscapedSlash}, Refusal{"/a%5Cb", PathError::kEscapedSlash},
        Refusal{"/a%5cb", PathError::kEscapedSlash}, Refusal{"/..%2f", PathError::kEscapedSlash}));

TEST(NormalizePath, RefusesEveryForbiddenByteAtEveryPlace) {
  for (size_t size : {1, 2, 3, 5, 7, 8, 9, 14, 15, 16, 17, 31, 32, 33, 48}) {
    for (size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string target = "/" + std::string(size, 'a');
        target[at + 1] = static_cast<char>(byte);
        const bool forbidden = byte <= 0x20 || byte >= 0x7f || byte == '#';
        std::string out(target.size(), '\0');
        PathResult result = NormalizePath(target, kDefault, out.data());
        const bool refused =
            result.error == PathError::kForbidden || result.error == PathError::kFragment;
        EXPECT_EQ(refused, forbidden) << "byte " << byte << " at " << at + 1 << " of " << size + 1;
      }
    }
  }
}

std::string Join(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (std::string_view part : parts) all += part;
  return all;
}

TEST(NormalizePath, FindsADotSegmentAtEveryPlace) {
  for (size_t before = 0; before < 40; ++before) {
    for (size_t after = 0; after < 20; ++after) {
      const std::string head = Join({"/", std::string(before, 'a')});
      const std::string tail(after, 'b');
      EXPECT_EQ(Normalize(Join({head, "/../", tail}), kDefault).path, Join({"/", tail}));
      EXPECT_EQ(Normalize(Join({head, "/x//", tail}), kDefault).path,
                Join({before == 0 ? "" : head, "/x/", tail}));
    }
  }
}

TEST(NormalizePath, RedirectsWhenAnEscapedSlashWasUnescaped) {
  const PathOptions options = With(EscapedSlashes::kUnescapeAndRedirect);
  for (auto [target, normal] : {Form{"/a%2Fb", "/a/b"}, Form{"/a%2f..%5Cb?q=%2F", "/b?q=%2F"},
                                Form{"/%2fevil.com", "/evil.com"}, Form{"/a%5C%2Fb", "/a/b"},
                                Form{"/%2e%2e%2fetc", "/etc"}, Form{"/a%5c", "/a/"}}) {
    const Outcome outcome = Normalize(target, options);
    EXPECT_EQ(outcome.verdict, PathVerdict::kRedirect) << target;
    EXPECT_EQ(outcome.path, normal);
  }
  EXPECT_EQ(Normalize("/a/../b", options).verdict, PathVerdict::kChanged);
  EXPECT_EQ(Normalize("/a%252Fb", options).verdict, PathVerdict::kUnchanged);
  EXPECT_EQ(Normalize("/a?b=%2F", options).verdict, PathVerdict::kUnchanged);
}

TEST(NormalizePath, ForwardsUnescapedSlashesWhenAsked) {
  const Outcome outcome = Normalize("/a%2f..%5Cb", With(EscapedSlashes::kUnescapeAndForward));
  EXPECT_EQ(outcome.verdict, PathVerdict::kChanged);
  EXPECT_EQ(outcome.path, "/b");
}

TEST(NormalizePath, WithoutNormalisingOnlyWhatIsAskedIsDone) {
  PathOptions options = Plain();
  for (const char* target : {"/a/../b", "//a", "/%61", "/%zz", "/a\\b", "/%2f", "/..;/a"}) {
    EXPECT_EQ(Normalize(target, options).verdict, PathVerdict::kUnchanged) << target;
  }
  EXPECT_EQ(Normalize("/%00", options).error, PathError::kEscapedNul);
  EXPECT_EQ(Normalize("/a b", options).error, PathError::kForbidden);
  options.merge_slashes = true;
  EXPECT_EQ(Normalize("//a/..//%61", options).path, "/a/../%61");
  options.escaped_slashes = EscapedSlashes::kUnescapeAndForward;
  EXPECT_EQ(Normalize("/a%2f%2Fb%5cc%2", options).path, "/a/b\\c%2");
}

TEST(NormalizePath, KeepsDoubleSlashesWhenNotMerging) {
  PathOptions options = With(EscapedSlashes::kKeep);
  options.merge_slashes = false;
  EXPECT_EQ(Normalize("//a//b", options).verdict, PathVerdict::kUnchanged);
  EXPECT_EQ(Normalize("/a//../b", options).path, "/a/b");
  EXPECT_EQ(Normalize("/a///./b", options).path, "/a///b");
  EXPECT_EQ(Normalize("//..", options).path, "/");
}

TEST(NormalizePath, StripsParametersWhenAsked) {
  PathOptions options;
  options.strip_parameters = true;
  EXPECT_EQ(Normalize("/admin;x=1/users;y?q;z", options).path, "/admin/users?q;z");
  EXPECT_EQ(Normalize("/;x/admin", options).path, "/admin");
  EXPECT_EQ(Normalize("/a/..;x/b;", options).path, "/b");
  EXPECT_EQ(Normalize("/0123456789abcdefghi;", options).path, "/0123456789abcdefghi");
  EXPECT_EQ(Normalize("/a?b;c", options).verdict, PathVerdict::kUnchanged);
}

TEST(NormalizePath, DetailsAreEnvoysNames) {
  EXPECT_EQ(PathErrorDetail(PathError::kEmpty), "missing_path_rejected");
  EXPECT_EQ(PathErrorDetail(PathError::kNotAbsolute), "absolute_path_rejected");
  EXPECT_EQ(PathErrorDetail(PathError::kFragment), "path_normalization_failed");
  EXPECT_EQ(PathErrorDetail(PathError::kEscapedSlash), "path_normalization_failed");
}

std::vector<PathOptions> AllOptions() {
  std::vector<PathOptions> all;
  for (int bits = 0; bits < 8; ++bits) {
    for (int action = 0; action < 4; ++action) {
      PathOptions options;
      options.normalize = (bits & 1) != 0;
      options.merge_slashes = (bits & 2) != 0;
      options.strip_parameters = (bits & 4) != 0;
      options.escaped_slashes = static_cast<EscapedSlashes>(action);
      all.push_back(options);
    }
  }
  return all;
}

bool HasDotSegment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    const std::string_view name = segment.substr(0, segment.find(';'));
    if (name == "." || name == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

TEST(NormalizePath, IsIdempotentAndNeverGrows) {
  // Made of the pieces that mean something, so that nearly every string is a hard one.
  const std::vector<std::string> pieces = {"/",   "/",  ".", "..", "%2e", "%2E", "%2f",
                                           "%5C", "\\", ";", "a",  "%61", "%25", "2e",
                                           "2f",  "?",  "%", "//", "b",   "%3b", "%c3"};
  std::mt19937 random(20260101);
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string target = "/";
    for (auto n = random() % 12; n > 0; --n) target += pieces[random() % pieces.size()];
    for (const PathOptions& options : AllOptions()) {
      const Outcome once = Normalize(target, options);
      if (once.verdict == PathVerdict::kReject) continue;
      ++accepted;
      EXPECT_LE(once.path.size(), target.size());
      const Outcome twice = Normalize(once.path, options);
      EXPECT_EQ(twice.verdict, PathVerdict::kUnchanged) << target << " -> " << once.path;
      const std::string_view path = PathWithoutQuery(once.path);
      EXPECT_FALSE(options.normalize && HasDotSegment(path)) << target << " -> " << once.path;
      EXPECT_FALSE(options.merge_slashes && path.find("//") != path.npos) << target;
      EXPECT_FALSE(options.strip_parameters && path.find(';') != path.npos) << target;
    }
  }
  EXPECT_GT(accepted, 100000);
}

}  // namespace
}  // namespace weir::http
