#pragma once

#include <string>

// What is told of an exception that has left a plugin.

namespace weir::base {

// What the exception that is being handled says of itself. Inside a catch clause only.
std::string ThrownText();

// The file whose code this is: for hooks of which nothing but the address is known.
std::string FileOfCode(const void* code);

}  // namespace weir::base
