#include "bindings/evaluators.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/parameters.h"
#include "common/integers.h"
#include "native/network_evaluator.h"

namespace muzero::bindings {
namespace {

std::vector<float> to_vector(const float* first, std::size_t count) {
  return first == nullptr ? std::vector<float>() : std::vector<float>(first, first + count);
}

class NetworkFace : public Evaluator {
 public:
  NetworkFace(const networks::Sizes& sizes, const networks::Arithmetic& arithmetic)
      : evaluator_(sizes, arithmetic) {}

  search::LeafEvaluator& leaf_evaluator() override { return evaluator_; }

  NamedShapes parameters() { return named_shapes(evaluator_.network().parameters()); }

  void load(const Arrays& arrays) {
    const Exclusive exclusive(busy);
    load_parameters(evaluator_.network().parameters(), arrays);
  }

  nb::tuple predict(const In<float>& latents) {
    const Exclusive exclusive(busy);
    const std::size_t rows = latents.ndim() == 2 ? latents.shape(0) : 0;
    const std::size_t actions = as_size(sizes().actions);
    const float* first = checked("latents", latents, {rows, as_size(sizes().width)});
    std::vector<float> prior(rows * actions), value(rows);
    {
      const nb::gil_scoped_release release;
      evaluator_.predict(first, static_cast<int>(rows), prior.data(), value.data());
    }
    return nb::make_tuple(to_numpy(std::move(prior), {rows, actions}), column(std::move(value)));
  }

  void reset(const In<float>& latents, const In<std::int32_t>& slots, int capacity) {
    const Exclusive exclusive(busy);
    const std::size_t rows = slots.size();
    const std::size_t width = as_size(sizes().width);
    const std::int32_t* to = checked("root_slots", slots, {rows});
    evaluator_.reset(static_cast<int>(rows), checked("root_latents", latents, {rows, width}), to,
                     capacity);
  }

  Out<float> latents(const In<std::int32_t>& slots) {
    const Exclusive exclusive(busy);
    const std::size_t rows = slots.size(), width = as_size(sizes().width);
    std::vector<float> found(rows * width);
    evaluator_.latents(checked("slots", slots, {rows}), static_cast<int>(rows), found.data());
    return to_numpy(std::move(found), {rows, width});
  }

  nb::tuple expand_all(const In<std::int32_t>& parent, const In<std::int32_t>& action,
                       const In<std::int32_t>& slot) {
    const Exclusive exclusive(busy);
    const std::size_t n = action.size();
    const std::size_t outcomes = as_size(sizes().outcomes);
    search::LeafColumns leaves;
    leaves.parent = copied("parent", parent, {n});
    leaves.action = leaves.tree = copied("action", action, {n});
    leaves.slot = copied("slot", slot, {n, outcomes});
    leaves.goes_on.assign(n, 1);
    const search::EvaluationColumns found = evaluate(leaves, {}).actions;
    const auto copy = [&](const float* array) {
      return to_numpy(to_vector(array, n * outcomes), {n, outcomes});
    };
    Out<float> probs = copy(found.outcome_probs);
    Out<float> reward = copy(found.reward), value = copy(found.value);
    return nb::make_tuple(std::move(probs), std::move(reward), std::move(value),
                          prior(leaves, {n, outcomes}));
  }

  nb::tuple expand_single(const In<std::int32_t>& chance_parent,
                          const In<std::int32_t>& chance_action, const In<std::int32_t>& parent,
                          const In<std::int32_t>& action, const In<std::int32_t>& outcome,
                          const In<std::int32_t>& slot) {
    const Exclusive exclusive(busy);
    const std::size_t n = chance_action.size();
    const std::size_t m = action.size();
    search::LeafColumns chances, decisions;
    chances.parent = copied("chance_parent", chance_parent, {n});
    chances.action = chances.tree = copied("chance_action", chance_action, {n});
    // First, because a decision node may take the slot of a chance node's latent.
    Out<float> probs = outcome_probs(chances);
    decisions.parent = copied("parent", parent, {m});
    decisions.action = decisions.tree = copied("action", action, {m});
    decisions.outcome = copied("outcome", outcome, {m});
    decisions.slot = copied("slot", slot, {m});
    decisions.goes_on.assign(m, 1);
    const search::Evaluations found = evaluate(chances, decisions);
    Out<float> afterstate_value = column(to_vector(found.actions.value, n));
    Out<float> reward = column(to_vector(found.outcomes.reward, m));
    Out<float> value = column(to_vector(found.outcomes.value, m));
    return nb::make_tuple(std::move(probs), std::move(afterstate_value), std::move(reward),
                          std::move(value), prior(decisions, {m}));
  }

 private:
  const networks::Sizes& sizes() { return evaluator_.network().sizes(); }

  search::Evaluations evaluate(const search::LeafColumns& actions,
                               const search::LeafColumns& outcomes) {
    evaluator_.require_valid(actions);
    evaluator_.require_valid(outcomes);
    const nb::gil_scoped_release release;
    evaluator_.reserve(1, static_cast<int>(std::max(actions.size(), outcomes.size())));
    return evaluator_.evaluate(0, actions, outcomes);
  }

  search::Distributions distributions(const search::NodeColumns& decisions,
                                      const search::NodeColumns& chances) {
    evaluator_.require_valid(decisions);
    evaluator_.require_valid(chances);
    const nb::gil_scoped_release release;
    evaluator_.reserve(1, static_cast<int>(std::max(decisions.size(), chances.size())));
    return evaluator_.distributions(0, decisions, chances);
  }

  // Of the leaves' successors -> [*shape, A].
  Out<float> prior(const search::LeafColumns& leaves, std::vector<std::size_t> shape) {
    const std::size_t rows = leaves.slot.size(), actions = as_size(sizes().actions);
    const search::Distributions found =
        distributions({.tree = leaves.slot, .slot = leaves.slot, .action = {}}, {});
    shape.push_back(actions);
    return to_numpy(to_vector(found.prior, rows * actions), std::move(shape));
  }

  // Of the leaves' actions -> [n, C].
  Out<float> outcome_probs(const search::LeafColumns& leaves) {
    const std::size_t rows = leaves.size(), outcomes = as_size(sizes().outcomes);
    const search::Distributions found =
        distributions({}, {.tree = leaves.tree, .slot = leaves.parent, .action = leaves.action});
    return to_numpy(to_vector(found.outcome_probs, rows * outcomes), {rows, outcomes});
  }

  native::NetworkEvaluator evaluator_;
};

}  // namespace

void add_evaluators(nb::module_& m) {
  nb::class_<Evaluator>(m, "Evaluator");

  nb::class_<NetworkFace, Evaluator>(m, "NetworkEvaluator")
      .def(
          "__init__",
          [](NetworkFace* self, int width, int actions, int outcomes, int bins, int outcome_blocks,
             int dynamics_blocks, int policy_blocks, int value_blocks, int afterstate_blocks,
             const std::string& kernels, const std::string& precision) {
            new (self) NetworkFace({width, actions, outcomes, bins, outcome_blocks, dynamics_blocks,
                                    policy_blocks, value_blocks, afterstate_blocks},
                                   arithmetic_named(kernels, precision));
          },
          nb::kw_only(), nb::arg("width"), nb::arg("actions"), nb::arg("outcomes"), nb::arg("bins"),
          nb::arg("outcome_blocks"), nb::arg("dynamics_blocks"), nb::arg("policy_blocks"),
          nb::arg("value_blocks"), nb::arg("afterstate_blocks"), nb::arg("kernels"),
          nb::arg("precision") = "float32")
      .def("parameters", &NetworkFace::parameters)
      .def("load", &NetworkFace::load, nb::arg("arrays"))
      .def("predict", &NetworkFace::predict, nb::arg("latents"))
      .def("reset", &NetworkFace::reset, nb::arg("root_latents"), nb::arg("root_slots"),
           nb::arg("capacity"))
      .def("latents", &NetworkFace::latents, nb::arg("slots"))
      .def("expand_all", &NetworkFace::expand_all, nb::arg("parent"), nb::arg("action"),
           nb::arg("slot"))
      .def("expand_single", &NetworkFace::expand_single, nb::arg("chance_parent"),
           nb::arg("chance_action"), nb::arg("parent"), nb::arg("action"), nb::arg("outcome"),
           nb::arg("slot"));
}

}  // namespace muzero::bindings
