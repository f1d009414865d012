// Helpers for binding networks: arithmetic by name, and loading of parameter arrays.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "networks/arithmetic.h"
#include "networks/parameter.h"

namespace muzero::bindings {

using NamedShapes = std::vector<std::pair<std::string, std::vector<int>>>;
using Arrays = nb::typed<nb::list, In<float>>;

NamedShapes named_shapes(const std::vector<networks::Parameter>& parameters);

// Loads one array for each of the parameters, in order.
void load_parameters(const std::vector<networks::Parameter>& parameters, const Arrays& arrays);

// The kernels and the number format of products with these names.
networks::Arithmetic arithmetic_named(const std::string& kernels, const std::string& precision);

// Adds _core.kernels(), names of the kernels this machine can run, the default first; what
// multiplies in each precision and whether rows are independent, by name; and
// _core.sme_is_left_out().
void add_kernels(nb::module_& m);

}  // namespace muzero::bindings
