#include "bindings/params.h"

#include <nanobind/stl/string.h>

#include <string>

#include "search/params.h"

namespace muzero::bindings {
namespace {

namespace nb = nanobind;
using search::Compatibility;
using search::Expansion;
using search::LegalActions;
using search::Params;
using search::Root;

template <typename T>
void assign(const std::string& name, T& field, nb::handle value) {
  if (!nb::try_cast<T>(value, field)) {
    throw nb::type_error((name + " cannot be " + nb::repr(value).c_str()).c_str());
  }
}

void assign(Params& params, const std::string& field, nb::handle value) {
#define NUMBER(type, name, ...) \
  if (field == #name) return assign<type>(field, params.name, value);
#define CHOICE(type, name, ...) NUMBER(type, name)
#include "search/params.def"
  throw nb::type_error(("a search has no constant named " + field).c_str());
}

}  // namespace

void add_params(nb::module_& m) {
  nb::enum_<LegalActions>(m, "LegalActions")
      .value("tree", LegalActions::kTree)
      .value("root", LegalActions::kRoot)
      .value("off", LegalActions::kOff);
  nb::enum_<Expansion>(m, "Expansion")
      .value("all_outcomes", Expansion::kAllOutcomes)
      .value("single_outcome", Expansion::kSingleOutcome);
  nb::enum_<Root>(m, "Root").value("puct", Root::kPuct).value("gumbel", Root::kGumbel);
  nb::enum_<Compatibility>(m, "Compatibility")
      .value("none", Compatibility::kNone)
      .value("mctx", Compatibility::kMctx);

  nb::class_<Params> params(m, "Params");
  params.def("__init__", [](Params* self, const nb::kwargs& fields) {
    Params given;
    for (const auto& [name, value] : fields) assign(given, nb::cast<std::string>(name), value);
    new (self) Params(given);
  });
#define NUMBER(type, name, ...) params.def_ro(#name, &Params::name);
#define CHOICE(type, name, ...) NUMBER(type, name)
#include "search/params.def"
}

}  // namespace muzero::bindings
