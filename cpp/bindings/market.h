// Binds the networks of a market alone.
#pragma once

#include <nanobind/nanobind.h>

namespace muzero::bindings {

void add_market(nanobind::module_& m);

}  // namespace muzero::bindings
