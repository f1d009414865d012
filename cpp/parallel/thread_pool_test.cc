#include "parallel/thread_pool.h"

#include <atomic>
#include <numeric>
#include <set>
#include <vector>

#include "common/integers.h"
#include "third_party/doctest/doctest.h"

namespace muzero::parallel {
namespace {

TEST_CASE("every index is worked on once, whatever the threads") {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    CHECK(pool.shares() == threads);
    for (const int count : {0, 1, 2, 7, 1000}) {
      CAPTURE(threads);
      CAPTURE(count);
      std::vector<int> times(as_size(count), 0);
      pool.for_each(count, [&](int i) { ++times[as_size(i)]; });
      CHECK(times == std::vector<int>(as_size(count), 1));
    }
  }
}

TEST_CASE("shares are consecutive, equal up to one, and the caller takes the first") {
  constexpr int kThreads = 3, kCount = 11;
  ThreadPool pool(kThreads);
  std::vector<std::thread::id> by(kCount);
  pool.for_each(kCount, [&](int i) { by[as_size(i)] = std::this_thread::get_id(); });
  CHECK(by.front() == std::this_thread::get_id());
  std::vector<int> shares{1};
  for (int i = 1; i < kCount; ++i) {
    if (by[as_size(i)] == by[as_size(i - 1)]) {
      ++shares.back();
    } else {
      shares.push_back(1);
    }
  }
  CHECK(shares.size() == kThreads);
  CHECK(*std::max_element(shares.begin(), shares.end()) -
            *std::min_element(shares.begin(), shares.end()) <=
        1);
  CHECK(std::set(by.begin(), by.end()).size() == kThreads);
}

TEST_CASE("what the threads wrote is there when the loop returns, round after round") {
  ThreadPool pool(4);
  std::vector<int> numbers(64, 0);
  for (int round = 1; round <= 500; ++round) {
    pool.for_each(64, [&](int i) { numbers[as_size(i)] += i; });
    CHECK(std::accumulate(numbers.begin(), numbers.end(), 0) == round * 64 * 63 / 2);
  }
}

TEST_CASE("a pool that never worked can go") {
  for (int i = 0; i < 50; ++i) ThreadPool pool(3);
}

}  // namespace
}  // namespace muzero::parallel
