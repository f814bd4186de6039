#pragma once

#include <string>
#include <vector>

#include "core/explain/explanation.h"

namespace weir::explain {

// Reads what stands on the command line: "METHOD URL" or "URL", and "name: value" for each field.
// The URL is one of http or https, or only a path ("/a", "*"); that of a CONNECT is "host:port".
// What a client makes framing of does not stay among the fields: host, content-length, connection
// and upgrade become values, as a codec would make them. Returns what is wrong, or nothing.
std::string ReadRequest(const std::vector<std::string>& words,
                        const std::vector<std::string>& headers, Request* out,
                        std::vector<std::string>* notes);

}  // namespace weir::explain
