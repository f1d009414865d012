// Bindings of the evaluators that a search can run without Python.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>

#include "search/leaf_evaluator.h"

namespace muzero::bindings {

struct Evaluator {
  virtual ~Evaluator() = default;
  virtual search::LeafEvaluator& leaf_evaluator() = 0;

  std::atomic_flag busy;
};

void add_evaluators(nanobind::module_& m);

}  // namespace muzero::bindings
