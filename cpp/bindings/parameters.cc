#include "bindings/parameters.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "networks/matrix.h"

namespace muzero::bindings {

NamedShapes named_shapes(const std::vector<networks::Parameter>& parameters) {
  NamedShapes out;
  for (const networks::Parameter& parameter : parameters) {
    out.emplace_back(parameter.name, parameter.shape);
  }
  return out;
}

void load_parameters(const std::vector<networks::Parameter>& parameters, const Arrays& arrays) {
  if (arrays.size() != parameters.size()) {
    throw search::SearchError("load() needs an array for each of parameters()");
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto array = nb::cast<In<float>>(arrays[i]);
    const std::vector<std::size_t> shape(parameters[i].shape.begin(), parameters[i].shape.end());
    parameters[i].load(checked(parameters[i].name.c_str(), array, shape));
  }
}

const networks::Kernels& kernels_named(const std::string& name) {
  for (const networks::Kernels* kernels : networks::runnable_kernels()) {
    if (kernels->name == name) return *kernels;
  }
  throw search::SearchError("this machine has no kernels named \"" + name + "\"");
}

void add_kernels(nb::module_& m) {
  m.def("kernels", [] {
    std::vector<std::string> names;
    for (const networks::Kernels* kernels : networks::runnable_kernels()) {
      names.emplace_back(kernels->name);
    }
    return names;
  });
  m.def("rows_are_independent", [] { return networks::kRowsAreIndependent; });
}

}  // namespace muzero::bindings
