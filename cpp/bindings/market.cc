#include "bindings/market.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/parameters.h"
#include "common/integers.h"
#include "native/market_evaluator.h"

namespace muzero::bindings {
namespace {

using Known = std::optional<In<float>>;

class MarketFace {
 public:
  MarketFace(const networks::MarketSizes& sizes, const networks::Arithmetic& arithmetic,
             int threads)
      : evaluator_(sizes, arithmetic, threads) {}

  NamedShapes parameters() { return named_shapes(evaluator_.network().parameters()); }

  void load(const Arrays& arrays) {
    const Exclusive exclusive(busy_);
    load_parameters(evaluator_.network().parameters(), arrays);
  }

  nb::tuple roots(const In<float>& observation, const Known& known) {
    const Exclusive exclusive(busy_);
    const native::Observations observations = checked_observations(observation);
    const float* told = checked_known(known, as_size(observations.count));
    States states(evaluator_.network(), as_size(observations.count));
    {
      const nb::gil_scoped_release release;
      evaluator_.roots(observations, told, states.columns());
    }
    return states.tuple();
  }

  nb::tuple successors(const In<float>& latent, const Known& known) {
    const Exclusive exclusive(busy_);
    const std::size_t rows = latent.ndim() == 2 ? latent.shape(0) : 0;
    const float* first = checked("latent", latent, {rows, as_size(evaluator_.network().width())});
    const float* told = checked_known(known, rows);
    States states(evaluator_.network(), rows * as_size(sizes().outcomes));
    {
      const nb::gil_scoped_release release;
      evaluator_.successors(first, static_cast<int>(rows), told, states.columns());
    }
    return states.tuple();
  }

  nb::tuple ahead(const In<float>& observation, int depth, const Known& now, const Known& later) {
    const Exclusive exclusive(busy_);
    const native::Observations observations = checked_observations(observation);
    const int roots = observations.count;
    const float* told = checked_known(now, as_size(roots));
    const float* told_later = checked_known(later, as_size(roots));
    const std::size_t leaves = checked_leaves(roots, depth);
    const auto inner = static_cast<std::size_t>(evaluator_.inner_states(roots, depth));
    const std::size_t outcomes = as_size(sizes().outcomes), positions = as_size(sizes().positions);
    std::vector<float> probs(inner * outcomes), moves(inner * outcomes), worth(leaves * positions),
        root_worth(as_size(roots) * positions);
    std::vector<std::int32_t> cluster(leaves);
    {
      const nb::gil_scoped_release release;
      evaluator_.ahead(
          observations, depth, told, told_later,
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
    States(const networks::MarketNetwork& network, std::size_t count)
        : rows(count),
          width(as_size(network.width())),
          outcomes(as_size(network.sizes().outcomes)),
          positions(as_size(network.sizes().positions)),
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

  const float* checked_known(const Known& known, std::size_t rows) {
    if (!known) return nullptr;
    return checked("known", *known, {rows, sizes().usual.size()});
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
             int members, int outcomes, int positions, int longest, int shortest, int clusters,
             const std::string& kernels, int threads, std::vector<float> usual, int session_bars,
             const std::string& precision) {
            new (self) MarketFace({.window = {features, window_bars, std::move(history), width},
                                   .members = members,
                                   .outcomes = outcomes,
                                   .positions = positions,
                                   .longest = longest,
                                   .shortest = shortest,
                                   .clusters = clusters,
                                   .usual = std::move(usual),
                                   .session_bars = session_bars},
                                  arithmetic_named(kernels, precision), threads);
          },
          nb::kw_only(), nb::arg("features"), nb::arg("window_bars"), nb::arg("history"),
          nb::arg("width"), nb::arg("members"), nb::arg("outcomes"), nb::arg("positions"),
          nb::arg("longest"), nb::arg("shortest"), nb::arg("clusters"), nb::arg("kernels"),
          nb::arg("threads"), nb::arg("usual") = std::vector<float>(), nb::arg("session_bars") = 0,
          nb::arg("precision") = "float32")
      .def("parameters", &MarketFace::parameters)
      .def("load", &MarketFace::load, nb::arg("arrays"))
      .def("roots", &MarketFace::roots, nb::arg("observation"), nb::arg("known") = nb::none())
      .def("successors", &MarketFace::successors, nb::arg("latent"), nb::arg("known") = nb::none())
      .def("ahead", &MarketFace::ahead, nb::arg("observation"), nb::arg("depth"),
           nb::arg("now") = nb::none(), nb::arg("later") = nb::none());
}

}  // namespace muzero::bindings
