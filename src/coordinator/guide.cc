#include <algorithm>
#include <string>
#include <string_view>

#include "coordinator/guide_content.h"
#include "coordinator/handlers.h"
#include "coordinator/responses.h"

// The guide, for everybody: GET /docs/guide/ and the pages below it.
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;

constexpr std::string_view kIndex = "index";

/// The file of that name. Pages are found without their ending, too, and under the names of their sources: `worker`,
/// `worker.md`.
const GuideFile* find_file(std::string_view name) {
  const auto files = guide_files();
  const auto exact = std::ranges::find(files, name, &GuideFile::name);
  if (exact != files.end()) return &*exact;
  if (name.ends_with(".md")) name.remove_suffix(3);
  if (name == "README") name = kIndex;
  const auto page = std::ranges::find_if(files, [&](const GuideFile& file) {
    return file.name.ends_with(".html") && file.name.substr(0, file.name.size() - 5) == name;
  });
  return page == files.end() ? nullptr : &*page;
}

http::Response answer(std::string_view name) {
  const GuideFile* file = find_file(name);
  if (file == nullptr)
    return error_response(Error(ErrorCode::kNotFound, "Page " + std::string(name) + " of the guide"));
  http::Response response;
  response.headers.add("content-type", std::string(file->content_type));
  response.headers.add("content-security-policy",
                       "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'self'");
  response.body = file->body;
  return response;
}

/// Without the slash at the end of the path, links of the index need to be told where they start.
Awaitable<http::Response> show_guide(Context&) {
  http::Response response = answer(kIndex);
  constexpr std::string_view kHead = "<head>";
  if (const auto head = response.body.find(kHead); head != std::string::npos)
    response.body.insert(head + kHead.size(), "<base href=\"guide/\">");
  co_return response;
}

Awaitable<http::Response> show_index(Context&) {
  co_return answer(kIndex);
}

Awaitable<http::Response> show_page(Context& context) {
  co_return answer(context.path.key);
}

}  // namespace

void add_guide(Handlers& handlers) {
  handlers.add(Endpoint::kGuide, show_guide);
  handlers.add(Endpoint::kGuideIndex, show_index);
  handlers.add(Endpoint::kGuidePage, show_page);
}

}  // namespace mito::coordinator
