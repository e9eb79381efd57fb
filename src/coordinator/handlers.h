#pragma once

#include "coordinator/endpoint.h"

// The use cases, by subject: each function enters those of its file.
namespace mito::coordinator {

void add_login(Handlers& handlers);
void add_users(Handlers& handlers);
void add_groups(Handlers& handlers);
void add_tasks(Handlers& handlers);
void add_task_lookup(Handlers& handlers);
void add_task_queries(Handlers& handlers);
void add_worker_protocol(Handlers& handlers);
void add_worker_reports(Handlers& handlers);
void add_worker_resources(Handlers& handlers);
void add_worker_registration(Handlers& handlers);
void add_workers(Handlers& handlers);
void add_worker_shutdown(Handlers& handlers);
void add_attachments(Handlers& handlers);
void add_artifacts(Handlers& handlers);
void add_artifact_lists(Handlers& handlers);
void add_objects(Handlers& handlers);
void add_admin_queries(Handlers& handlers);
void add_events(Handlers& handlers);
void add_operations(Handlers& handlers);
void add_api_documents(Handlers& handlers);
void add_guide(Handlers& handlers);

/// All of them.
Handlers make_handlers();

}  // namespace mito::coordinator
