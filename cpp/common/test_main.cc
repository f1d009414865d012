// Runs the unit tests; scripts/test-cpp builds them.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "third_party/doctest/doctest.h"
