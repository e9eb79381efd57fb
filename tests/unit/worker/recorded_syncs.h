#pragma once

#include <string>
#include <vector>

namespace mito::worker {

/// Names of the files and directories (their last component) that this program has had written to the disk, by
/// fsync(2) or fdatasync(2), since the last call. The functions of the library are replaced in this test program.
/// Tests of one thread.
std::vector<std::string> take_syncs();

}  // namespace mito::worker
