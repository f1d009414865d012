#include "bindings/parameters.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "networks/kernels.h"

namespace muzero::bindings {
namespace {

const char* const kPrecisionNames[networks::kPrecisions] = {"float32", "bfloat16", "float16",
                                                            "int8"};

const networks::Kernels& kernels_named(const std::string& name) {
  for (const networks::Kernels* kernels : networks::runnable_kernels()) {
    if (kernels->name == name) return *kernels;
  }
  throw search::SearchError("this machine has no kernels named \"" + name + "\"");
}

networks::Precision precision_named(const std::string& name) {
  for (int i = 0; i < networks::kPrecisions; ++i) {
    if (kPrecisionNames[i] == name) return static_cast<networks::Precision>(i);
  }
  throw search::SearchError("the networks do not compute in \"" + name + "\"");
}

}  // namespace

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

networks::Arithmetic arithmetic_named(const std::string& kernels, const std::string& precision) {
  return {kernels_named(kernels), precision_named(precision)};
}

void add_kernels(nb::module_& m) {
  m.def("kernels", [] {
    std::vector<std::string> names;
    for (const networks::Kernels* kernels : networks::runnable_kernels()) {
      names.emplace_back(kernels->name);
    }
    return names;
  });
  m.def(
      "instructions",
      [](const std::string& kernels) {
        const networks::Kernels& found = kernels_named(kernels);
        std::vector<std::pair<std::string, std::string>> by_precision;
        for (int i = 0; i < networks::kPrecisions; ++i) {
          by_precision.emplace_back(kPrecisionNames[i], found.products[i].instructions);
        }
        return by_precision;
      },
      nb::arg("kernels"));
  m.def(
      "rows_are_independent",
      [](const std::string& kernels) { return kernels_named(kernels).independent_rows; },
      nb::arg("kernels"));
  m.def("sme_is_left_out", networks::sme_is_left_out);
}

}  // namespace muzero::bindings
