#include "filters/http/basic_auth/user_list.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "filters/http/basic_auth/credentials.h"
#include "plugins/sdk/field_rules.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;

constexpr std::size_t kMaxBytes = 4u << 20;
constexpr std::size_t kMaxUsers = 20000;
constexpr std::size_t kMaxCosts = 4;

}  // namespace

// Empty, or what is wrong with the line. A hash is never part of the text.
std::string UserList::AddLine(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "expected name:hash";
  const std::string name(line.substr(0, colon));
  if (name.empty() || name.size() > kMaxUserName || !sdk::IsFieldValue(name)) {
    return "a name has 1 to 255 bytes, no control characters and no blank at an end";
  }
  PasswordHash hash;
  if (const char* const problem = hash.Parse(line.substr(colon + 1))) {
    return "user " + name.substr(0, 80) + ": " + problem;
  }
  if (users_.size() >= kMaxUsers) return "more than 20000 users";
  if (!users_.emplace(name, std::move(hash)).second) {
    return "user " + name.substr(0, 80) + " stands twice";
  }
  return {};
}

bool UserList::LoadText(const ConfigNode& node, std::string_view text) {
  if (text.size() > kMaxBytes) return node.Fail("more than 4 MiB of users");
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const std::string problem = AddLine(line);
    if (!problem.empty()) return node.Fail("line " + std::to_string(number) + ": " + problem);
  }
  if (users_.empty()) return node.Fail("there is no user in it");
  return FindCosts(node);
}

bool UserList::FindCosts(const ConfigNode& node) {
  for (const auto& [name, hash] : users_) {
    if (hash.kind() != PasswordHash::Kind::kCrypt) continue;
    const auto same = [hash = &hash](const PasswordHash* other) { return other->CostsLike(*hash); };
    if (std::none_of(costs_.begin(), costs_.end(), same)) costs_.push_back(&hash);
    if (costs_.size() > kMaxCosts) {
      return node.Fail(
          "more than 4 costs of hashes: each password is hashed once for each of them");
    }
  }
  return true;
}

std::vector<const PasswordHash*> UserList::Work(const PasswordHash* own) const {
  std::vector<const PasswordHash*> work = costs_;
  for (const PasswordHash*& hash : work) {
    if (own != nullptr && own->CostsLike(*hash)) hash = own;
  }
  return work;
}

bool UserList::Load(const ConfigNode& node) {
  if (!node.ExpectMap("users")) return false;
  bool ok = true;
  for (const char* key : {"inline_bytes", "environment_variable", "watched_directory"}) {
    ok = node.Refuse(key, "is not available: use inline_string or filename") && ok;
  }
  const ConfigNode text = node.Get("inline_string");
  const ConfigNode file = node.Get("filename");
  if (!ok) return false;
  if ((text ? 1 : 0) + (file ? 1 : 0) != 1) {
    return node.Fail("users has one of inline_string and filename");
  }
  std::string value;
  if (!(text ? text : file).Read(&value)) return false;
  if (text) return LoadText(text, value);
  std::ifstream stream(value, std::ios::binary);
  if (!stream) return file.Fail("\"" + value.substr(0, 200) + "\" cannot be opened");
  std::string all;
  for (std::istreambuf_iterator<char> at(stream), end; at != end && all.size() <= kMaxBytes; ++at) {
    all.push_back(*at);
  }
  return LoadText(file, all);
}

const PasswordHash* UserList::Find(const std::string& user) const {
  const auto found = users_.find(user);
  return found == users_.end() ? nullptr : &found->second;
}

}  // namespace weir::filters
