#pragma once

#include <string_view>

namespace weir::upstream {

// Why no connection could be made, for the log: static text for the errno of a failed connect or
// handshake.
std::string_view ConnectFailureText(int error);

}  // namespace weir::upstream
