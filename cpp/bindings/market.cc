#include "bindings/market.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/parameters.h"
#include "common/integers.h"
#include "native/market_evaluator.h"

namespace muzero::bindings {
namespace {

class MarketFace {
 public:
  MarketFace(const networks::MarketSizes& sizes, const networks::Kernels& kernels, int threads)
      : evaluator_(sizes, kernels, threads) {}

  NamedShapes parameters() { return named_shapes(evaluator_.network().parameters()); }

  void load(const Arrays& arrays) {
    const Exclusive exclusive(busy_);
    load_parameters(evaluator_.network().parameters(), arrays);
  }

  nb::tuple roots(const In<float>& observation) {
    const Exclusive exclusive(busy_);
    const native::Observations observations = checked_observations(observation);
    States states(sizes(), as_size(observations.count));
    {
      const nb::gil_scoped_release release;
      evaluator_.roots(observations, states.columns());
    }
    return states.tuple();
  }

  nb::tuple successors(const In<float>& latent) {
    const Exclusive exclusive(busy_);
    const std::size_t rows = latent.ndim() == 2 ? latent.shape(0) : 0;
    const float* first = checked("latent", latent, {rows, as_size(sizes().window.width)});
    States states(sizes(), rows * as_size(sizes().outcomes));
    {
      const nb::gil_scoped_release release;
      evaluator_.successors(first, static_cast<int>(rows), states.columns());
    }
    return states.tuple();
  }

  nb::tuple ahead(const In<float>& observation, int depth) {
    const Exclusive exclusive(busy_);
    const native::Observations observations = checked_observations(observation);
    const int roots = observations.count;
    const std::size_t leaves = checked_leaves(roots, depth);
    const auto inner = static_cast<std::size_t>(evaluator_.inner_states(roots, depth));
    const std::size_t outcomes = as_size(sizes().outcomes), positions = as_size(sizes().positions);
    std::vector<float> probs(inner * outcomes), moves(inner * outcomes), worth(leaves * positions),
        root_worth(as_size(roots) * positions);
    std::vector<std::int32_t> cluster(leaves);
    {
      const nb::gil_scoped_release release;
      evaluator_.ahead(
          observations, depth,
          {probs.data(), moves.data(), worth.data(), cluster.data(), root_worth.data()});
    }
    return nb::make_tuple(to_numpy(std::move(probs), {inner, outcomes}),
                          to_numpy(std::move(moves), {inner, outcomes}),
                          to_numpy(std::move(worth), {leaves, positions}),
                          column(std::move(cluster)),
                          to_numpy(std::move(root_worth), {as_size(roots), positions}));
  }

 private:
  // Arrays for everything of so many states.
  struct States {
    States(const networks::MarketSizes& sizes, std::size_t count)
        : rows(count),
          width(as_size(sizes.window.width)),
          outcomes(as_size(sizes.outcomes)),
          positions(as_size(sizes.positions)),
          latent(rows * width),
          probs(rows * outcomes),
          moves(rows * outcomes),
          worth(rows * positions),
          cluster(rows) {}

    native::StateColumns columns() {
      return {latent.data(), probs.data(), moves.data(), worth.data(), cluster.data()};
    }
    nb::tuple tuple() {
      return nb::make_tuple(
          to_numpy(std::move(latent), {rows, width}), to_numpy(std::move(probs), {rows, outcomes}),
          to_numpy(std::move(moves), {rows, outcomes}),
          to_numpy(std::move(worth), {rows, positions}), column(std::move(cluster)));
    }

    std::size_t rows, width, outcomes, positions;
    std::vector<float> latent, probs, moves, worth;
    std::vector<std::int32_t> cluster;
  };

  const networks::MarketSizes& sizes() { return evaluator_.network().sizes(); }

  native::Observations checked_observations(const In<float>& observation) {
    const networks::WindowSizes& window = sizes().window;
    const bool is_window = observation.ndim() == 3;
    const std::size_t count = is_window ? observation.shape(0) : 0;
    // The account's columns follow the market's.
    const std::size_t columns =
        std::max(as_size(window.features), is_window ? observation.shape(2) : std::size_t{0});
    const float* first =
        checked("observation", observation, {count, as_size(window.window_bars), columns});
    return {first, static_cast<int>(count), static_cast<int>(columns)};
  }

  std::size_t checked_leaves(int roots, int depth) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    const std::int64_t outcomes = sizes().outcomes;
    std::int64_t leaves = roots;
    for (int d = 0; d < depth && leaves <= kMost; ++d) leaves *= outcomes;
    if (depth < 0 || leaves > kMost) {
      throw search::SearchError("a tree of depth " + std::to_string(depth) + " below " +
                                std::to_string(roots) + " roots is too large");
    }
    return static_cast<std::size_t>(leaves);
  }

  native::MarketEvaluator evaluator_;
  std::atomic_flag busy_;
};

}  // namespace

void add_market(nb::module_& m) {
  nb::class_<MarketFace>(m, "MarketEvaluator")
      .def(
          "__init__",
          [](MarketFace* self, int features, int window_bars, std::vector<int> history, int width,
             int outcomes, int positions, int longest, int shortest, int clusters,
             const std::string& kernels, int threads) {
            new (self) MarketFace({.window = {features, window_bars, std::move(history), width},
                                   .outcomes = outcomes,
                                   .positions = positions,
                                   .longest = longest,
                                   .shortest = shortest,
                                   .clusters = clusters},
                                  kernels_named(kernels), threads);
          },
          nb::kw_only(), nb::arg("features"), nb::arg("window_bars"), nb::arg("history"),
          nb::arg("width"), nb::arg("outcomes"), nb::arg("positions"), nb::arg("longest"),
          nb::arg("shortest"), nb::arg("clusters"), nb::arg("kernels"), nb::arg("threads"))
      .def("parameters", &MarketFace::parameters)
      .def("load", &MarketFace::load, nb::arg("arrays"))
      .def("roots", &MarketFace::roots, nb::arg("observation"))
      .def("successors", &MarketFace::successors, nb::arg("latent"))
      .def("ahead", &MarketFace::ahead, nb::arg("observation"), nb::arg("depth"));
}

}  // namespace muzero::bindings
