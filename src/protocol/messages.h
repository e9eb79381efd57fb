#pragma once

// Every request and response of the HTTP API as a plain struct. Members are named as the JSON fields are; decode() and
// encode() of codec.h work on each of them. `Set` in a comment: an array on the wire, sorted and without duplicates
// once decoded.
#include "protocol/group_messages.h"   // IWYU pragma: export
#include "protocol/task_messages.h"    // IWYU pragma: export
#include "protocol/user_messages.h"    // IWYU pragma: export
#include "protocol/values.h"           // IWYU pragma: export
#include "protocol/worker_messages.h"  // IWYU pragma: export
