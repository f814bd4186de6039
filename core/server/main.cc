#include "core/server/main_wiring.h"
#include "core/server/program.h"

int main(int argc, char** argv) {
  const weir::server::Wiring wiring = weir::server::MainWiring();
  return weir::server::RunProgram(argc, argv, wiring);
}
