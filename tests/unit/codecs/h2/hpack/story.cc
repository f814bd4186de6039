#include "tests/unit/codecs/h2/hpack/story.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

namespace weir::h2::hpack {
namespace {

StoryCase ReadCase(const nlohmann::json& json) {
  StoryCase read;
  const auto size = json.find("header_table_size");
  if (size != json.end() && !size->is_null()) read.table_size = size->get<uint32_t>();
  if (json.contains("wire")) read.wire = FromHex(json["wire"].get<std::string>());
  for (const auto& field : json["headers"]) {
    for (const auto& [name, value] : field.items()) {
      read.fields.emplace_back(name, value.get<std::string>());
    }
  }
  return read;
}

}  // namespace

std::vector<Story> ReadStories(const std::string& directory, const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    const fs::path& path = entry.path();
    if (path.extension() != ".json") continue;
    if (folder.empty() || path.parent_path().filename() == folder) paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Story> stories;
  for (const fs::path& path : paths) {
    std::ifstream file(path);
    const nlohmann::json json = nlohmann::json::parse(file);
    Story story;
    story.name = path.parent_path().filename().string() + "/" + path.stem().string();
    for (const auto& one : json["cases"]) story.cases.push_back(ReadCase(one));
    stories.push_back(std::move(story));
  }
  return stories;
}

}  // namespace weir::h2::hpack
