#pragma once

namespace mito::cli {

/// The program `mito`: runs the role that the arguments name; the exit code of the process.
int run(int argc, char** argv);

}  // namespace mito::cli
