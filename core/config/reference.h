#pragma once

#include <string>
#include <vector>

namespace weir::config {

// One key as the reference page shows it, made from the same table that reads it.
struct ReferenceRow {
  std::string
      key;  // keys of a group with its name before them: "http_protocol_options.enable_trailers"
  std::string type;
  std::string default_text;  // empty: none
  std::string range;         // empty: any
  std::string doc;
  bool required = false;
  bool limit = false;
  std::string counter;  // of a limit
  std::string missing;  // the feature that Weir lacks; empty for keys that work
};

struct ReferenceTable {
  std::string title;
  std::string place;  // where in the file it stands
  std::vector<ReferenceRow> rows;
};

// Every table of keys, from the outside in.
std::vector<ReferenceTable> ReferenceTables();

// The page docs/configuration.md.
std::string ReferencePage();

}  // namespace weir::config
