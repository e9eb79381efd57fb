#include "cli/client_line.h"

#include <string>

#include <fmt/core.h>

#include "cli/help.h"
#include "cli/report.h"

namespace mito::cli {

int run_in(Session& session, const Invocation& invocation) {
  const auto& [command, path, look_up] = invocation.node;
  if (is_old(*command)) session.out().note(fmt::format("`{}` is the old form of: {}", path, command->successor));
  const auto code = command->run(session, invocation.arguments);
  const auto flushed = session.out().flush();
  if (!code) return report(code.error(), look_up);
  return flushed ? *code : report(flushed.error());
}

void print_help(const Node& node, const CommonOptions& options, std::FILE* file) {
  const auto text = render_help(node.path, *node.command, options.all(), help_width());
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

}  // namespace mito::cli
