#pragma once

#include <string>

namespace weir::server {

// Reads a file of certificates or a key, of at most 4 MiB. Empty, or why not, in words that tell
// nothing of what is in it. Blocks: main thread.
std::string ReadPemFile(const std::string& path, std::string* text);

}  // namespace weir::server
