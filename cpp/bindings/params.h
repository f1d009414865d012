// Bindings of a search's constants.
#pragma once

#include <nanobind/nanobind.h>

namespace muzero::bindings {

void add_params(nanobind::module_& m);

}  // namespace muzero::bindings
