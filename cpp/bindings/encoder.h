// Bindings of the representation network.
#pragma once

#include <nanobind/nanobind.h>

namespace muzero::bindings {

void add_encoder(nanobind::module_& m);

}  // namespace muzero::bindings
