#include "coordinator/handlers.h"

namespace mito::coordinator {

Handlers make_handlers() {
  Handlers handlers;
  add_login(handlers);
  add_users(handlers);
  add_groups(handlers);
  add_attachments(handlers);
  add_tasks(handlers);
  add_task_lookup(handlers);
  add_task_queries(handlers);
  add_artifacts(handlers);
  add_artifact_lists(handlers);
  add_worker_registration(handlers);
  add_worker_protocol(handlers);
  add_worker_reports(handlers);
  add_worker_resources(handlers);
  add_workers(handlers);
  add_worker_shutdown(handlers);
  add_objects(handlers);
  add_admin_queries(handlers);
  add_events(handlers);
  add_operations(handlers);
  add_api_documents(handlers);
  add_guide(handlers);
  return handlers;
}

}  // namespace mito::coordinator
