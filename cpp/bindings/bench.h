// Bindings for scripts/bench_search.py.
#pragma once

#include <nanobind/nanobind.h>

namespace muzero::bindings {

// Call after add_evaluators().
void add_bench(nanobind::module_& m);

}  // namespace muzero::bindings
