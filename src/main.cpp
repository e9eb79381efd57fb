#include "cli/run.h"

int main(int argc, char** argv) {
  return mito::cli::run(argc, argv);
}
