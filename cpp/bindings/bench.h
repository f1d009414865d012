// What scripts/bench_search.py measures the search with.
#pragma once

#include <nanobind/nanobind.h>

namespace muzero::bindings {

// After add_evaluators().
void add_bench(nanobind::module_& m);

}  // namespace muzero::bindings
