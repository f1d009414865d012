// The search's two hot calls through pybind11, as cpp/bindings/module.cc has them through nanobind.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "search/search.h"

namespace py = pybind11;
namespace ms = muzero::search;

namespace {

template <typename T>
using In = py::array_t<T, py::array::c_style>;

template <typename T>
py::array_t<T> column(std::vector<T> values, std::vector<py::ssize_t> shape) {
  auto* owned = new std::vector<T>(std::move(values));
  py::capsule owner(owned, [](void* p) { delete static_cast<std::vector<T>*>(p); });
  return py::array_t<T>(std::move(shape), owned->data(), owner);
}

template <typename T>
py::array_t<T> column(const std::vector<T>& values) {
  return column(std::vector<T>(values), {static_cast<py::ssize_t>(values.size())});
}

template <typename T>
const T* checked(const char* name, const In<T>& array, std::vector<std::size_t> shape) {
  const std::vector<std::size_t> got(array.shape(), array.shape() + array.ndim());
  if (got != shape) throw ms::SearchError(std::string(name) + " has a wrong shape");
  return array.data();
}

class Core {
 public:
  Core(int num_simulations, int depth_limit, const In<std::int32_t>& next_position, int outcomes)
      : search_({.num_simulations = num_simulations,
                 .depth_limit = depth_limit,
                 .expansion = ms::Expansion::kSingleOutcome},
                {next_position.data(), next_position.data() + next_position.size()},
                static_cast<int>(next_position.shape(0)), static_cast<int>(next_position.shape(1)),
                outcomes, 1),
        actions_(static_cast<std::size_t>(next_position.shape(1))),
        outcomes_(static_cast<std::size_t>(outcomes)) {}

  void reset(const In<float>& prior, const In<float>& value, const In<std::int32_t>& position,
             const In<std::uint64_t>& seed, bool noise) {
    const auto roots = static_cast<std::size_t>(value.size());
    search_.reset(static_cast<int>(roots), checked("prior", prior, {roots, actions_}),
                  checked("value", value, {roots}), checked("position", position, {roots}),
                  checked("seed", seed, {roots}), noise);
  }

  bool select() {
    const py::gil_scoped_release release;
    return search_.select();
  }

  py::tuple action_leaves() {
    const ms::LeafColumns& leaves = search_.actions();
    return py::make_tuple(
        column(leaves.tree), column(leaves.parent), column(leaves.action),
        column(std::vector<std::int32_t>(), {static_cast<py::ssize_t>(leaves.size()), 0}));
  }

  py::tuple outcome_leaves() {
    const ms::LeafColumns& leaves = search_.outcomes();
    return py::make_tuple(column(leaves.tree), column(leaves.parent), column(leaves.action),
                          column(leaves.outcome), column(leaves.slot));
  }

  void backup_single(const In<float>& outcome_probs, const In<float>& afterstate_value,
                     const In<float>& reward, const In<float>& value, const In<float>& prior) {
    search_.require_leaves();
    const std::size_t n = search_.actions().size();
    const std::size_t m = search_.outcomes().size();
    const ms::EvaluationColumns afterstates{
        .outcome_probs = checked("outcome_probs", outcome_probs, {n, outcomes_}),
        .value = checked("afterstate_value", afterstate_value, {n})};
    const ms::EvaluationColumns successors{.reward = checked("reward", reward, {m}),
                                           .value = checked("value", value, {m}),
                                           .prior = checked("prior", prior, {m, actions_})};
    const py::gil_scoped_release release;
    search_.backup(afterstates, successors);
  }

 private:
  ms::Search search_;
  std::size_t actions_;
  std::size_t outcomes_;
};

}  // namespace

PYBIND11_MODULE(pybind11_core, m) {
  py::class_<Core>(m, "SearchCore")
      .def(py::init<int, int, const In<std::int32_t>&, int>())
      .def("reset", &Core::reset)
      .def("select", &Core::select)
      .def("action_leaves", &Core::action_leaves)
      .def("outcome_leaves", &Core::outcome_leaves)
      .def("backup_single", &Core::backup_single);
}
