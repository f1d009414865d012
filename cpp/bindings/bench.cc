#include "bindings/bench.h"

#include <cstddef>
#include <vector>

#include "bench/recording_evaluator.h"
#include "bench/row_evaluator.h"
#include "bindings/arrays.h"
#include "bindings/evaluators.h"

namespace muzero::bindings {
namespace {

bench::Rows rows_of(const In<float>& outcome_probs, const In<float>& reward, const In<float>& value,
                    const In<float>& prior) {
  if (prior.ndim() != 3) throw search::SearchError("prior must have shape [rows, C, A]");
  const std::size_t count = prior.shape(0), outcomes = prior.shape(1), actions = prior.shape(2);
  return {.count = static_cast<int>(count),
          .actions = static_cast<int>(actions),
          .outcomes = static_cast<int>(outcomes),
          .outcome_probs = copied("outcome_probs", outcome_probs, {count, outcomes}),
          .reward = copied("reward", reward, {count, outcomes}),
          .value = copied("value", value, {count, outcomes}),
          .prior = copied("prior", prior, {count, outcomes, actions})};
}

class RowFace : public Evaluator {
 public:
  RowFace(const In<float>& outcome_probs, const In<float>& reward, const In<float>& value,
          const In<float>& prior)
      : evaluator_(rows_of(outcome_probs, reward, value, prior)) {}

  search::LeafEvaluator& leaf_evaluator() override { return evaluator_; }

 private:
  bench::RowEvaluator evaluator_;
};

class RecordingFace : public Evaluator {
 public:
  explicit RecordingFace(Evaluator& inner) : inner_(inner), evaluator_(inner.leaf_evaluator()) {}

  search::LeafEvaluator& leaf_evaluator() override { return evaluator_; }

  void replay() {
    const Exclusive exclusive(busy);
    const Exclusive evaluating(inner_.busy);
    const nb::gil_scoped_release release;
    evaluator_.replay();
  }

 private:
  Evaluator& inner_;
  bench::RecordingEvaluator evaluator_;
};

}  // namespace

void add_bench(nb::module_& m) {
  nb::class_<RowFace, Evaluator>(m, "RowEvaluator")
      .def(nb::init<const In<float>&, const In<float>&, const In<float>&, const In<float>&>(),
           nb::arg("outcome_probs"), nb::arg("reward"), nb::arg("value"), nb::arg("prior"));
  nb::class_<RecordingFace, Evaluator>(m, "RecordingEvaluator")
      .def(nb::init<Evaluator&>(), nb::arg("evaluator"), nb::keep_alive<1, 2>())
      .def("replay", &RecordingFace::replay);
}

}  // namespace muzero::bindings
