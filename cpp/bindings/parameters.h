// Helpers for binding networks: kernels by name, and loading of parameter arrays.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "networks/kernels.h"
#include "networks/parameter.h"

namespace muzero::bindings {

using NamedShapes = std::vector<std::pair<std::string, std::vector<int>>>;
using Arrays = nb::typed<nb::list, In<float>>;

NamedShapes named_shapes(const std::vector<networks::Parameter>& parameters);

// Loads one array for each of the parameters, in order.
void load_parameters(const std::vector<networks::Parameter>& parameters, const Arrays& arrays);

const networks::Kernels& kernels_named(const std::string& name);

// Adds _core.kernels(): names of the kernels this machine can run, fastest first.
void add_kernels(nb::module_& m);

}  // namespace muzero::bindings
