// The Python interface of the search core: NumPy arrays in, NumPy arrays out, no logic.
#include <nanobind/nanobind.h>

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/bench.h"
#include "bindings/encoder.h"
#include "bindings/evaluators.h"
#include "bindings/market.h"
#include "bindings/parameters.h"
#include "bindings/params.h"
#include "common/integers.h"
#include "search/search.h"
#include "search/tree_rows.h"

namespace nb = nanobind;
namespace ms = muzero::search;

namespace {

using muzero::as_size;
using muzero::bindings::checked;
using muzero::bindings::column;
using muzero::bindings::Exclusive;
using muzero::bindings::In;
using muzero::bindings::to_numpy;

// A Search and the sizes its arrays must have.
class Core {
 public:
  Core(const ms::Params& params, const In<std::int32_t>& next_position, int outcomes, int threads)
      : search_(params, table(next_position), static_cast<int>(next_position.shape(0)),
                static_cast<int>(next_position.shape(1)), outcomes, threads),
        actions_(next_position.shape(1)),
        outcomes_(as_size(outcomes)) {}

  void reset(const In<float>& prior, const In<float>& value, const In<std::int32_t>& position,
             const In<std::uint64_t>& seed, bool noise) {
    const Exclusive exclusive(busy_);
    const std::size_t roots = value.ndim() == 1 ? value.shape(0) : 0;
    const float* values = checked("value", value, {roots});
    const float* priors = checked("prior", prior, {roots, actions_});
    const std::int32_t* positions = checked("position", position, {roots});
    const std::uint64_t* seeds = checked("seed", seed, {roots});
    const nb::gil_scoped_release release;
    search_.reset(static_cast<int>(roots), priors, values, positions, seeds, noise);
  }

  bool select() {
    const Exclusive exclusive(busy_);
    const nb::gil_scoped_release release;
    return search_.select();
  }

  nb::tuple action_leaves() {
    const Exclusive exclusive(busy_);
    const ms::LeafColumns& leaves = search_.actions();
    const std::size_t n = leaves.size();
    const std::size_t successors = n == 0 ? 0 : leaves.slot.size() / n;
    return nb::make_tuple(column(leaves.tree), column(leaves.parent), column(leaves.action),
                          to_numpy(std::vector(leaves.slot), {n, successors}));
  }

  nb::tuple outcome_leaves() {
    const Exclusive exclusive(busy_);
    const ms::LeafColumns& leaves = search_.outcomes();
    return nb::make_tuple(column(leaves.tree), column(leaves.parent), column(leaves.action),
                          column(leaves.outcome), column(leaves.slot));
  }

  void backup_all(const In<float>& outcome_probs, const In<float>& reward, const In<float>& value,
                  const In<float>& prior) {
    const Exclusive exclusive(busy_);
    require(ms::Expansion::kAllOutcomes);
    const std::size_t n = search_.actions().size();
    const ms::EvaluationColumns evaluations{
        .outcome_probs = checked("outcome_probs", outcome_probs, {n, outcomes_}),
        .reward = checked("reward", reward, {n, outcomes_}),
        .value = checked("value", value, {n, outcomes_}),
        .prior = checked("prior", prior, {n, outcomes_, actions_})};
    const nb::gil_scoped_release release;
    search_.backup(evaluations, {});
  }

  void backup_single(const In<float>& outcome_probs, const In<float>& afterstate_value,
                     const In<float>& reward, const In<float>& value, const In<float>& prior) {
    const Exclusive exclusive(busy_);
    require(ms::Expansion::kSingleOutcome);
    const std::size_t n = search_.actions().size();
    const std::size_t m = search_.outcomes().size();
    const ms::EvaluationColumns afterstates{
        .outcome_probs = checked("outcome_probs", outcome_probs, {n, outcomes_}),
        .value = checked("afterstate_value", afterstate_value, {n})};
    const ms::EvaluationColumns successors{.reward = checked("reward", reward, {m}),
                                           .value = checked("value", value, {m}),
                                           .prior = checked("prior", prior, {m, actions_})};
    const nb::gil_scoped_release release;
    search_.backup(afterstates, successors);
  }

  void run(muzero::bindings::Evaluator& evaluator) {
    const Exclusive exclusive(busy_);
    const Exclusive evaluating(evaluator.busy);
    const nb::gil_scoped_release release;
    search_.run(evaluator.leaf_evaluator());
  }

  nb::tuple result() {
    const Exclusive exclusive(busy_);
    const auto roots = as_size(search_.roots());
    std::vector<std::int32_t> visits(roots * actions_), action(roots), max_depth(roots),
        leaves(roots), evaluations(roots), policies(roots), policies_used(roots), chances(roots),
        chances_used(roots);
    std::vector<float> q(roots * actions_), prior(roots * actions_), policy(roots * actions_),
        value(roots), raw_value(roots);
    std::vector<double> mean_depth(roots);
    search_.result({visits.data(), q.data(), prior.data(), policy.data(), action.data(),
                    value.data(), raw_value.data(), max_depth.data(), mean_depth.data(),
                    leaves.data(), evaluations.data(), policies.data(), policies_used.data(),
                    chances.data(), chances_used.data()});
    const std::vector<std::size_t> by_action{roots, actions_};
    return nb::make_tuple(to_numpy(std::move(visits), by_action), to_numpy(std::move(q), by_action),
                          to_numpy(std::move(prior), by_action),
                          to_numpy(std::move(policy), by_action), column(std::move(action)),
                          column(std::move(value)), column(std::move(raw_value)),
                          column(std::move(max_depth)), column(std::move(mean_depth)),
                          column(std::move(leaves)), column(std::move(evaluations)),
                          column(std::move(policies)), column(std::move(policies_used)),
                          column(std::move(chances)), column(std::move(chances_used)));
  }

  nb::tuple tree(int root) {
    const Exclusive exclusive(busy_);
    ms::TreeRows rows = ms::tree_rows(search_.tree(root));
    return nb::make_tuple(column(std::move(rows.parent)), column(std::move(rows.kind)),
                          column(std::move(rows.action_or_outcome)), column(std::move(rows.prior)),
                          column(std::move(rows.visits)), column(std::move(rows.value)),
                          column(std::move(rows.reward)), column(std::move(rows.depth)),
                          column(std::move(rows.probability)));
  }

  int roots() const { return search_.roots(); }
  std::size_t arena_bytes() const { return search_.arena_bytes(); }
  int slots_per_tree() const { return search_.shape().decisions; }

 private:
  static std::vector<std::int32_t> table(const In<std::int32_t>& next_position) {
    if (next_position.ndim() != 2) throw ms::SearchError("next_position must have shape [P, A]");
    return {next_position.data(), next_position.data() + next_position.size()};
  }

  // Before shapes are checked, whose errors would be misleading.
  void require(ms::Expansion expansion) const {
    search_.require_leaves();
    if (search_.params().expansion != expansion) {
      throw ms::SearchError("backup() was given the expansion of the other expansion mode");
    }
  }

  ms::Search search_;
  std::atomic_flag busy_;
  std::size_t actions_;
  std::size_t outcomes_;
};

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "The C++ search core; use mlx_muzero.search.";

  nb::object search_error = nb::module_::import_("mlx_muzero.errors").attr("SearchError");
  nb::register_exception_translator(
      [](const std::exception_ptr& error, void* type) {
        try {
          std::rethrow_exception(error);
        } catch (const ms::SearchError& e) {
          PyErr_SetString(static_cast<PyObject*>(type), e.what());
        }
      },
      search_error.release().ptr());

  muzero::bindings::add_params(m);
  muzero::bindings::add_kernels(m);
  muzero::bindings::add_encoder(m);
  muzero::bindings::add_evaluators(m);
  muzero::bindings::add_market(m);
  muzero::bindings::add_bench(m);

  nb::class_<Core>(m, "SearchCore")
      .def(nb::init<const ms::Params&, const In<std::int32_t>&, int, int>(), nb::arg("params"),
           nb::arg("next_position"), nb::arg("outcomes"), nb::arg("threads"))
      .def("reset", &Core::reset, nb::arg("prior"), nb::arg("value"), nb::arg("position"),
           nb::arg("seed"), nb::arg("noise"))
      .def("select", &Core::select)
      .def("action_leaves", &Core::action_leaves)
      .def("outcome_leaves", &Core::outcome_leaves)
      .def("backup_all", &Core::backup_all, nb::arg("outcome_probs"), nb::arg("reward"),
           nb::arg("value"), nb::arg("prior"))
      .def("backup_single", &Core::backup_single, nb::arg("outcome_probs"),
           nb::arg("afterstate_value"), nb::arg("reward"), nb::arg("value"), nb::arg("prior"))
      .def("run", &Core::run, nb::arg("evaluator"))
      .def("result", &Core::result)
      .def("tree", &Core::tree, nb::arg("root"))
      .def_prop_ro("roots", &Core::roots)
      .def_prop_ro("arena_bytes", &Core::arena_bytes)
      .def_prop_ro("slots_per_tree", &Core::slots_per_tree);
}
