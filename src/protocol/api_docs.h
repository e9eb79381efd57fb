#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "protocol/routes.h"

// What people are told about the API and the route table does not know: words, units, examples, and which failures an
// operation answers itself. The OpenAPI document (openapi.h) is made of both; unit_protocol fails when a route, a
// member or a parameter has no words.
namespace mito::protocol {

/// A failure that an operation answers itself; status and body follow from the error (errors.h, failure_of).
struct FailureDoc {
  ErrorCode code = ErrorCode::kInvalidRequest;
  std::string_view text;  ///< As Error::text() is, with `<…>` for what varies.
  std::string_view when;
  unsigned status = 0;  ///< Not 0: this one instead, with `text` alone as its message.
};

/// The words about one operation. Failures stand in the order in which they are looked for.
struct OperationDoc {
  Endpoint endpoint = Endpoint::kHealth;
  std::string_view summary;      ///< A few words, without a full stop.
  std::string_view permission;   ///< Who may, beyond the kind of token.
  std::string_view description;  ///< Markdown.
  std::vector<FailureDoc> failures{};
};

/// Operations on one subject.
struct OperationGroup {
  std::string_view tag;
  std::string_view description;
  std::vector<OperationDoc> operations;
};

OperationGroup session_docs();
OperationGroup admin_docs();
OperationGroup group_docs();
OperationGroup attachment_docs();
OperationGroup task_docs();
OperationGroup artifact_docs();
OperationGroup worker_docs();
OperationGroup worker_protocol_docs();
OperationGroup service_docs();

/// All of them, in the order in which documents show them.
std::span<const OperationGroup> operation_docs();
/// Nothing for an operation without words.
const OperationDoc* find_operation_doc(Endpoint endpoint);

/// The words about a member of a message, a query parameter or a parameter of a path.
struct FieldDoc {
  std::string_view owner;  ///< Name of the message; `*Req` for all that end so; empty for all.
  std::string_view field;
  std::string_view text;
  std::string_view example = {};  ///< JSON. Empty: made of the examples of what the member consists of.
  std::string_view unit = {};     ///< `seconds`, `bytes`.
  std::string_view schema = {};   ///< JSON Schema instead of the one that follows from the type.
};

/// The most specific words for a member; nothing when there are none. Path parameters have the owners `TaskPath`,
/// `WorkerPath` and `Path`.
const FieldDoc* find_field_doc(std::string_view owner, std::string_view field);
/// What a message is, in one sentence; empty when there are no words.
std::string_view message_doc(std::string_view message);

}  // namespace mito::protocol
